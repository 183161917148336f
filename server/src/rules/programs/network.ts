import { hasOption, type ArgumentRule, type Seen } from './rule';

/** Programs that fetch: silent when they only print what an http or https address returns. */
export const fetchers: readonly (readonly [string, ArgumentRule])[] = [
  ['curl', {
    flags: '-s -S -L -f -I -i -v -k -g -G -4 -6 --silent --show-error --location --fail --fail-with-body --head --include --verbose --no-progress-meter --compressed --http1.1 --http2 --ipv4 --ipv6 --globoff --get --no-buffer -N -V --version',
    values: { text: '-A --user-agent -w --write-out -H --header -X --request', number: '-m --max-time --connect-timeout --retry --retry-delay --retry-max-time --max-redirs', url: '--url -e --referer', write: '-o --output' },
    operands: ['url'],
    check: printsOnly,
  }],
  ['wget', {
    flags: '-q -S -nv -4 -6 --quiet --spider --server-response --no-verbose --inet4-only --inet6-only --version -V',
    values: { text: '-U --user-agent -O --output-document', number: '-T --timeout -t --tries --max-redirect' },
    operands: ['url'],
    check: toStandardOutput,
  }],
  ['ping', { flags: '-4 -6 -n -q', values: { number: '-c -W -w -i -s' }, operands: ['name'], needs: '-c', most: 1 }],
  ['host', { operands: ['name'] }],
  ['nslookup', { operands: ['name'], least: 1 }],
];

/** `-w` can write files with `%output{…}`, `@` reads one, and a method other than GET or HEAD changes something elsewhere. */
function printsOnly(seen: Seen): string | undefined {
  const valuesOf = (...names: string[]) => seen.options.filter((option) => names.includes(option.name)).map((option) => option.value ?? '');
  if (valuesOf('-w', '--write-out', '-H', '--header').some((value) => value.startsWith('@') || value.includes('%output'))) return 'it reads or writes a file';
  if (valuesOf('-o', '--output').some((path) => path !== '/dev/null')) return 'it writes what it fetches to a file';
  return valuesOf('-X', '--request').some((method) => !/^(GET|HEAD)$/.test(method)) ? 'the request changes something elsewhere' : undefined;
}

function toStandardOutput(seen: Seen): string | undefined {
  // Even with --spider the file of -O is created anew before anything is fetched.
  const targets = seen.options.filter((option) => option.name === '-O' || option.name === '--output-document').map((option) => option.value);
  const safe = targets.length > 0 || ['--spider', '--version', '-V'].some((name) => hasOption(seen, name));
  return safe && targets.every((target) => target === '-') ? undefined : 'it writes what it fetches to a file';
}

/** The arguments of a program that would keep notes of the machines it talked to in the home folder, with the option by which it does not. */
export function withoutNotes(name: string, args: readonly string[]): readonly string[] {
  return name === 'wget' ? ['--no-hsts', ...args] : args;
}
