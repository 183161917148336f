import { join } from 'node:path';
import { answerFlaw, settingsOf, unanswered, withFields } from '../../../../protocol/src/backendFields';
import { backendsFileName, backendsSchema, noBackends, type Backend, type Backends } from '../../../../protocol/src/backends';
import { defaultConfig, type Config } from '../../../../protocol/src/config';
import { fieldsOfBackend, fieldsOfPlugins, variablesWithoutSource, type ConfigField, type ConfigFields } from '../../../../protocol/src/configFields';
import { credentialValueSchema } from '../../../../protocol/src/credentials';
import { ConductorError } from '../../../../protocol/src/errors';
import { configFileIn, readConfigFile } from '../../config/file';
import { parseAs, parseConfig, type ParsedAs } from '../../config/parse';
import { jsonSchemaOf } from '../../config/schema';
import { heldInClear } from '../../rules/backends/clearSecrets';
import { withBroker } from './approvals';
import type { BrokerClient } from './brokerClient';
import { tellTroubles } from './secrets';
import { askHidden, askShown, isInteractive, line, note, print } from './terminal';

/** `conductor config setup`: asks at this terminal for what plugins and external servers still want to be told. Secrets go to the credential store, never into a file. */

type Setting = ReturnType<typeof settingsOf>[number];
type Part = Readonly<{ name: string; fields: ConfigFields; settings: readonly Setting[]; remarks: readonly string[] }>;

/** Asks for what is missing, of one part or of all; exit 0 when all of them are ready, 1 when something is still missing. */
export async function setUp(configDir: string, only: string | undefined): Promise<number> {
  const parts = [...pluginParts(await readConfig(configDir)), ...backendParts(await readBackends(configDir))];
  const chosen = only === undefined ? parts : parts.filter(({ name }) => name === only);
  if (only !== undefined && chosen.length === 0) throw new ConductorError('NOT_FOUND', `Nothing is to be set up of "${line(only)}": ${backendsFileName} has no such server, and config.json gives no credential to such a plugin.`, { next: parts.length === 0 ? 'Add a server with "conductor backends set".' : `Write one of: ${parts.map(({ name }) => name).join(', ')}.` });
  if (chosen.length === 0) {
    print(`There is nothing to set up: ${backendsFileName} names no server, and config.json no credential.`);
    return 0;
  }
  return await withBroker(configDir, (broker) => askAll(broker, chosen));
}

async function askAll(broker: BrokerClient, parts: readonly Part[]): Promise<number> {
  const state = await broker.request('credentials/list', {});
  if (state.state === 'locked' || state.state === 'refused') {
    tellTroubles(state);
    return 1;
  }
  const present = new Set(state.credentials.map(({ name }) => name));
  let missing = 0;
  for (const part of parts) {
    for (const field of Object.values(part.fields.properties)) await ask(broker, field, present);
    const told = await askSettings(broker, part);
    const unset = [...part.fields.required.filter((name) => !present.has(name)), ...part.settings.filter(({ name, required, value }) => required && value === null && !told.has(name)).map(({ name }) => name)];
    const ready = unset.length === 0 && part.remarks.length === 0;
    for (const remark of part.remarks) note(line(remark));
    print(ready ? `${part.name}: ready` : `${part.name}: not configured${unset.length === 0 ? '' : `, without ${unset.join(', ')}`}`);
    if (!ready) missing += 1;
  }
  if (missing > 0 && !isInteractive()) note('This terminal is not interactive, so nothing was asked. Run the command at a terminal, or set each with: conductor secrets set NAME < FILE');
  return missing === 0 ? 0 : 1;
}

async function ask(broker: BrokerClient, field: ConfigField, present: Set<string>): Promise<void> {
  if (!field.secret) return;
  const { credential, title } = field;
  if (present.has(credential)) return note(`${credential} (${title}): already set; "conductor secrets set ${credential}" changes it.`);
  if (!isInteractive()) return;
  for (;;) {
    const value = await askHidden(`${credential} (${title}), not shown; Enter leaves it unset: `);
    if (value === '') return;
    const problem = credentialValueSchema.safeParse(value).error?.issues[0]?.message;
    if (problem !== undefined) {
      note(`The value ${problem}.`);
      continue;
    }
    await broker.request('credentials/set', { name: credential, value });
    present.add(credential);
    return;
  }
}

/** Asks for the settings that nobody answered, and puts the answers into the file; the names that it has now. */
async function askSettings(broker: BrokerClient, { name: backend, settings }: Part): Promise<ReadonlySet<string>> {
  const values: Record<string, string> = {};
  for (const setting of settings) {
    if (setting.value !== null) note(line(`${setting.name}${titled(setting)}: is ${JSON.stringify(setting.value)}.`));
    else if (isInteractive()) Object.assign(values, await askSetting(setting));
  }
  if (Object.keys(values).length === 0) return new Set();
  await broker.request('backends/change', { change: 'configure', backend, values });
  note(`${backend} is started in another way now, which you approve with: conductor backends approve ${backend}`);
  return new Set(Object.keys(values));
}

async function askSetting(setting: Setting): Promise<Readonly<Record<string, string>>> {
  const { name, field } = setting;
  const choices = field.secret !== true && field.enum !== undefined ? ` (${field.enum.join(', ')})` : field.type === 'boolean' ? ' (true, false)' : '';
  for (;;) {
    const text = (await askShown(line(`${name}${titled(setting)}${choices}; Enter leaves it unset: `))).trim();
    if (text === '') return {};
    const flaw = answerFlaw(field, text);
    if (flaw === undefined) return { [name]: text };
    note(line(flaw));
  }
}

function titled({ field: { title, description } }: Setting): string {
  return title === undefined && description === undefined ? '' : ` (${[title, description].filter((part) => part !== undefined).join('; ')})`;
}

function pluginParts(config: Config): readonly Part[] {
  return Object.entries(fieldsOfPlugins(config)).map(([name, fields]) => ({ name, fields, settings: [], remarks: [] }));
}

function backendParts({ backends }: Backends): readonly Part[] {
  return Object.entries(backends).map(([name, written]) => [name, withFields(name, written)] as const).map(([name, profile]) => ({
    name, fields: fieldsOfBackend(name, profile), settings: settingsOf(profile).map((setting) => (unanswered(profile).includes(setting.name) || !setting.required ? setting : { ...setting, value: setting.value ?? '' })),
    remarks: [...clearOf(name, profile), ...variablesWithoutSource(profile).map((variable) => `${name} needs the variable ${variable}, which its profile gets from nowhere: write "${variable}": "\${secret:${name}.${variable.toLowerCase()}}" under its "env" in ${backendsFileName}.`)],
  }));
}

function clearOf(name: string, profile: Backend): readonly string[] {
  const clear = heldInClear(name, profile);
  return clear === undefined ? [] : [`${clear.says} ${clear.next}`];
}

function readConfig(configDir: string): Promise<Config> {
  return readFile(configFileIn(configDir), { kind: 'config', config: defaultConfig }, parseConfig);
}

function readBackends(configDir: string): Promise<Backends> {
  return readFile(join(configDir, backendsFileName), { kind: 'config', config: noBackends }, (bytes) => parseAs(bytes, backendsSchema, () => jsonSchemaOf(backendsSchema)));
}

async function readFile<Content>(file: string, absent: ParsedAs<Content>, parse: (bytes: Uint8Array) => ParsedAs<Content>): Promise<Content> {
  const content = await readConfigFile(file);
  if (content.kind === 'unreadable') throw new ConductorError('CONFIG_INVALID', content.message);
  const parsed = content.kind === 'missing' ? absent : parse(content.bytes);
  if (parsed.kind === 'config') return parsed.config;
  const first = parsed.problems[0];
  throw new ConductorError('CONFIG_INVALID', `${file}:${String(first?.line ?? 1)}:${String(first?.column ?? 1)}: ${first?.message ?? 'it cannot be read'}`);
}
