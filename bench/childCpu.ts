import { spawnSync } from 'node:child_process';

/** A shell counts the time of its children in hundredths of a second, so a command runs this often. */
const times = 5;

/** CPU milliseconds of a command over a file, as a shell accounts for its children. Throws when the command is not there. */
export function childCpu(command: string, path: string): number {
  const { stdout, status } = spawnSync('sh', ['-c', `for n in ${'x '.repeat(times)}; do ${command} "$1" >/dev/null || exit 1; done; times`, 'sh', path], { encoding: 'utf8' });
  const [, children = ''] = stdout.trim().split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
  if (status !== 0 || seconds === 0) throw new Error(`${command} and a shell are needed as a baseline`);
  return (seconds * 1_000) / times;
}
