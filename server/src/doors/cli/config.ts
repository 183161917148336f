import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ConductorError } from '../../../../protocol/src/errors';
import { configFileIn, readConfigFile } from '../../config/file';
import { parseConfig } from '../../config/parse';
import { setUp } from './setup';
import { note, print, run } from './terminal';

/** `conductor config`: where the configuration is, whether it holds, and what is still missing. */
export function addConfig(program: Command, configDir: () => string): void {
  const config = program.command('config').description('Check and find the configuration');
  config
    .command('validate')
    .description('Check the configuration; exit 0 when it holds, 1 when it does not, 2 when it cannot be read')
    .argument('[file]', 'another file than the one in use')
    .option('--json', 'print JSON')
    .action((file: string | undefined, options: { json?: boolean }) => run(() => {
      if (file !== undefined && !existsSync(file)) throw new ConductorError('NOT_FOUND', `There is no file ${resolve(file)}.`, { next: 'Check the path.' });
      return validate(file === undefined ? configFileIn(configDir()) : resolve(file), options.json === true);
    }));
  config
    .command('setup')
    .description('Ask at this terminal for what plugins and external servers still need; secrets are not shown and go to the credential store')
    .argument('[plugin or server]', 'only this one')
    .action((part: string | undefined) => run(() => setUp(configDir(), part)));
  config.command('path').description('Print the path of the configuration file').action(() => run(() => {
    print(configFileIn(configDir()));
    return 0;
  }));
}

async function validate(file: string, json: boolean): Promise<number> {
  const content = await readConfigFile(file);
  if (content.kind === 'unreadable') throw new ConductorError('CONFIG_INVALID', content.message);
  if (content.kind === 'missing') {
    if (json) print(JSON.stringify({ file, valid: true, exists: false, problems: [], remarks: [] }));
    else note(`${file} does not exist; the defaults hold, by which no command is allowed.`);
    return 0;
  }
  const parsed = parseConfig(content.bytes);
  const problems = parsed.kind === 'config' ? [] : parsed.problems;
  const { remarks } = content;
  if (json) print(JSON.stringify({ file, valid: problems.length === 0, exists: true, problems, remarks }));
  else {
    for (const { line, column, message } of problems) print(`${file}:${String(line)}:${String(column)}: ${message}`);
    for (const remark of remarks) note(`warning: ${file}: ${remark}`);
    if (problems.length === 0) print(`${file} is valid.`);
  }
  return problems.length === 0 ? 0 : 1;
}
