import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Outcome } from '../../../protocol/src/call';
import { configSchema, type ConfigInput } from '../../../protocol/src/config';
import { rightsOf } from '../../../protocol/src/roles';
import { createRedactor } from '../rules/redaction/redactor';
import { createLogger } from '../base/logger';
import { argumentRules } from '../rules/programs/table';
import { createDelete } from '../tools/filesystem/delete';
import { createList } from '../tools/filesystem/list';
import { createPlaces, type Places } from '../tools/filesystem/places';
import { createRead } from '../tools/filesystem/read';
import { createSearch } from '../tools/filesystem/search';
import { filesystemTools } from '../tools/filesystem/tools';
import { createWrite } from '../tools/filesystem/write';
import { seal } from '../tools/seal';
import { shell } from '../tools/shell/tool';
import type { Prepared, Tool } from '../tools/tool';
import type { Guest } from '../doors/socket';
import { agentHouse } from './agents';
import { createHandlers } from './handlers';
import { openHouse } from './open';
import { createVerifications } from './lastVerification';
import { createPresence } from './presence';
import { buildRooms, type Built } from './rooms';

/** A1: any one layer is switched off or made to say yes to everything, in a real house, and the dangerous call is stopped all the same. */

/** Something dangerous, which layer stops it in a sound house, and what stops it when that layer is broken. */
type Row = Readonly<{
  layer: string;
  config?: ConfigInput;
  tool: string;
  input: Readonly<Record<string, unknown>>;
  /** Rule that refuses in a sound house. */
  normally: string;
  broken: (house: House) => void | Promise<void>;
  /** Rule that refuses when the layer is broken. */
  then: string;
}>;

const everything: ConfigInput = { plugins: { shell: { allowedCommands: ['rm', 'cat', 'ls', 'sh', 'env'] }, filesystem: { requireApproval: [] } } };
const careful: ConfigInput = { plugins: { shell: { requireApproval: ['rm'], allowedCommands: ['ls'] } } };
const yes = { kind: 'approved', by: { role: 'editor', connection: 1 }, waitedMs: 0 } as const;

/** Parts of a sound house can be replaced in place, since every room asks its neighbour anew at each call. */
function replace<Part extends object>(part: Part, lie: Partial<Record<keyof Part, unknown>>): void {
  Object.assign(part, lie);
}

/** Finds everything, from the root of the disk, and says that it is inside. */
function lyingPlaces(outer: string): Places {
  const sound = createPlaces();
  return { ...sound, find: (path, context, followLast) => sound.find(join(context.project, String(path)), { ...context, project: outer, configDir: '/nowhere' }, followLast) };
}

const rows: readonly Row[] = [
  { layer: 'the input schema', tool: 'filesystem.read', input: { path: ['..', 'secret'] }, normally: 'input.invalid', broken: ({ tool }) => replace(tool('filesystem.read'), { input: z.any() }), then: 'path.malformed' },
  {
    layer: 'the switch of a tool', config: { plugins: { shell: { enabled: false, requireApproval: ['rm'] } } }, tool: 'shell.exec', input: { command: 'rm precious' }, normally: 'shell.notListed',
    broken: ({ built }) => { const { state } = built.config.current(); replace(built.config, { current: () => ({ config: configSchema.parse(careful), state }) }); }, then: 'approval.unavailable',
  },
  {
    layer: 'the switch of the file tools', config: { plugins: { filesystem: { enabled: false } } }, tool: 'filesystem.write', input: { path: 'precious', content: 'gone' }, normally: 'filesystem.disabled',
    broken: ({ built }) => { const { state } = built.config.current(); replace(built.config, { current: () => ({ config: configSchema.parse({}), state }) }); }, then: 'approval.unavailable',
  },
  {
    layer: 'the allowlist', tool: 'shell.exec', input: { command: 'sh -c "rm precious"' }, normally: 'shell.notListed',
    broken: ({ built }) => { const { state } = built.config.current(); replace(built.config, { current: () => ({ config: configSchema.parse(everything), state }) }); }, then: 'approval.unavailable',
  },
  {
    layer: 'the argument rule of a program', config: everything, tool: 'shell.exec', input: { command: 'cat ../config/private' }, normally: 'shell.ownFolder',
    broken: ({ later }) => { const sound = argumentRules.get('cat'); assert.ok(sound); (argumentRules as Map<string, unknown>).set('cat', { operands: ['text'] }); later(() => (argumentRules as Map<string, unknown>).set('cat', sound)); }, then: 'shell.ownFolder',
  },
  ...([['read', createRead, { path: '../secret' }], ['list', createList, { path: '..' }], ['search', createSearch, { path: '..', pattern: 'SECRET' }], ['write', createWrite, { path: '../secret', content: 'gone' }], ['delete', createDelete, { path: '../secret' }]] as const).map(([name, create, input]): Row => ({
    layer: `path isolation of filesystem.${name}`, config: everything, tool: `filesystem.${name}`, input, normally: 'path.outside',
    broken: ({ built, base }) => void (built.tools as Map<string, Tool>).set(`filesystem.${name}`, seal((create as (places: Places) => Tool)(lyingPlaces(base)), (call) => built.witness.take(call))), then: 'path.strayed',
  })),
  { layer: 'the approvals desk', config: careful, tool: 'shell.exec', input: { command: 'rm precious' }, normally: 'approval.unavailable', broken: ({ built }) => replace(built.desk, { ask: () => Promise.resolve(yes) }), then: 'approval.unheard' },
  { layer: 'the approvals desk, for a file', tool: 'filesystem.write', input: { path: 'precious', content: 'gone' }, normally: 'approval.unavailable', broken: ({ built }) => replace(built.desk, { ask: () => Promise.resolve(yes) }), then: 'approval.unheard' },
  { layer: 'the grants, which say that everything is covered', config: careful, tool: 'shell.exec', input: { command: 'rm precious' }, normally: 'approval.unavailable', broken: ({ built }) => replace(built.grants, { cover: () => [] }), then: 'approval.unheard' },
  { layer: 'the witness of approvals', config: careful, tool: 'shell.exec', input: { command: 'rm precious' }, normally: 'approval.unavailable', broken: ({ built }) => replace(built.witness, { take: () => true }), then: 'approval.unavailable' },
  {
    layer: 'the breaker', config: { ...careful, circuitBreaker: { failureThreshold: 1 } }, tool: 'shell.exec', input: { command: 'rm precious' }, normally: 'breaker.open',
    broken: ({ built }) => replace(built.breakers, { admit: () => ({ kind: 'admitted', settle: () => undefined }), openFor: () => undefined }), then: 'approval.unavailable',
  },
  { layer: 'the audit log, which cannot be written', config: everything, tool: 'filesystem.write', input: { path: 'precious', content: 'gone' }, normally: '', broken: ({ built }) => replace(built.writer, { append: () => Promise.reject(new Error('the disk is full')) }), then: 'audit.unavailable' },
  { layer: 'the audit log, which only says that it was written', config: everything, tool: 'filesystem.write', input: { path: 'precious', content: 'gone' }, normally: '', broken: ({ built }) => replace(built.writer, { append: () => Promise.resolve({ id: 'evt_lie', seq: 1 }) }), then: 'audit.unavailable' },
];

type House = Readonly<{ built: Built; base: string; tool(name: string): Tool; later(undo: () => void): void }>;

describe('A1 defence in depth', function () {
  let base = '';
  const undo: (() => void)[] = [];
  const open: Built[] = [];

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'layers-')));
    for (const folder of ['config', 'project']) mkdirSync(join(base, folder), { mode: 0o700 });
    writeFileSync(join(base, 'config', 'private'), 'SECRET KEY');
    writeFileSync(join(base, 'secret'), 'SECRET');
    writeFileSync(join(base, 'project', 'precious'), 'precious');
  });
  afterEach(async () => {
    for (const one of undo.splice(0)) one();
    for (const { config, breakers, logFiles, signing, writer } of open.splice(0)) {
      config.close();
      breakers.dispose();
      logFiles.stop();
      await signing.close();
      await writer.close();
    }
    rmSync(base, { recursive: true, force: true });
  });

  async function build(config: ConfigInput): Promise<Built> {
    writeFileSync(join(base, 'config', 'config.json'), JSON.stringify(config), { mode: 0o600 });
    const built = await buildRooms({ configDir: join(base, 'config'), logger: createLogger(() => undefined, () => 'error'), redactor: createRedactor(), setLogLevel: () => undefined });
    open.push(built);
    return built;
  }

  async function call(built: Built, tool: string, input: Readonly<Record<string, unknown>>): Promise<Outcome> {
    const house = agentHouse({ ...built.agents, running: () => undefined }, { connection: 7, project: join(base, 'project') });
    const outcome = await house.call(tool, input, 'test', { signal: new AbortController().signal, progress: () => undefined });
    assert.doesNotMatch(JSON.stringify(outcome), /SECRET/);
    return outcome;
  }

  function assertUnharmed(): void {
    assert.equal(readFileSync(join(base, 'secret'), 'utf8'), 'SECRET');
    assert.equal(existsSync(join(base, 'project', 'precious')) && readFileSync(join(base, 'project', 'precious'), 'utf8'), 'precious');
  }

  function ruleOf(outcome: Outcome): string {
    return outcome.kind === 'refused' ? outcome.rule : `${outcome.kind}: ${JSON.stringify(outcome)}`;
  }

  for (const row of rows) {
    it(`layers:each-broken A1 without ${row.layer}: ${row.tool} ${JSON.stringify(row.input)} is stopped by ${row.then}`, async () => {
      const built = await build(row.config ?? {});
      if (row.normally === 'breaker.open') await call(built, 'shell.exec', { command: 'ls nothing-here' });
      if (row.normally !== '') assert.equal(ruleOf(await call(built, row.tool, row.input)), row.normally, 'in a sound house');
      await row.broken({ built, base, tool: (name) => built.tools.get(name) as Tool, later: (one) => undo.push(one) });
      assert.equal(ruleOf(await call(built, row.tool, row.input)), row.then);
      assertUnharmed();
    });
  }

  it('A1 T22 a desk that takes the yes of a person to one call lets no other call run', async () => {
    const built = await build(careful);
    built.witness.heard('evt_another');
    replace(built.desk, { ask: () => Promise.resolve(yes) });
    assert.equal(ruleOf(await call(built, 'shell.exec', { command: 'rm precious' })), 'approval.unheard');
    assertUnharmed();
  });

  it('A1 in a sound house a call that a person approves runs', async () => {
    const built = await build(careful);
    const ground = { configDir: join(base, 'config'), logger: createLogger(() => undefined, () => 'error'), redactor: createRedactor(), setLogLevel: () => undefined };
    const handlers = createHandlers({ ...built, ground, presence: createPresence(built.config), verifications: createVerifications() });
    const guest: Guest = { role: 'editor', version: '1', connection: 1 };
    const asker = { signal: new AbortController().signal, notify: () => undefined };
    await handlers['approvals/attend']({ attending: true }, guest, asker);
    const answer = call(built, 'shell.exec', { command: 'rm precious' });
    for (let tries = 0; tries < 200 && built.desk.list().length === 0; tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const { id, digest } of built.desk.list()) await handlers['approvals/decide']({ id, digest, decision: 'approve' }, guest, asker);
    assert.equal((await answer).kind, 'success');
    assert.equal(existsSync(join(base, 'project', 'precious')), false);
  });

  const doors: readonly (readonly [layer: string, broken: () => void, shut: readonly string[]])[] = [
    ['the rights of a role', () => { (rightsOf.agent as Set<string>).add('decide').add('look'); undo.push(() => (rightsOf.agent as Set<string>).clear()); }, ['editor', 'terminal']],
    ['the judge of commands', () => lieAbout(shell), ['agent']],
    ['the judge of files', () => filesystemTools.forEach(lieAbout), ['agent']],
  ];

  function lieAbout<Args extends readonly unknown[]>(tool: { prepare(...args: Args): Promise<Prepared> }): void {
    const { prepare } = tool;
    undo.push(() => replace(tool, { prepare }));
    replace(tool, { prepare: async (...args: Args) => ({ ...(await prepare(...args)), verdict: { verdict: 'allow', rule: 'lie', reason: 'a lie' } }) });
  }

  for (const [layer, broken, shut] of doors) {
    it(`A1 T92 without ${layer} the ${shut.join(' and the ')} door stays shut`, async () => {
      const lines: string[] = [];
      broken();
      const house = await openHouse({ configDir: join(base, 'config'), logger: createLogger((line) => lines.push(line), () => 'error'), redactor: createRedactor(), setLogLevel: () => undefined });
      await house.close('the test is over');
      const said = lines.map((line) => JSON.parse(line) as { message: string; door?: string }).filter(({ message }) => message === 'a door stays shut');
      assert.deepEqual(said.map(({ door }) => door), shut);
      const recorded = readFileSync(join(base, 'config', 'audit.log'), 'utf8').split('\n').filter((line) => line.includes('"rule":"door.shut"'));
      assert.equal(recorded.length, shut.length, 'the log says so, too');
    });
  }

  it('A1 T92 in a sound house every door opens', async () => {
    const lines: string[] = [];
    const house = await openHouse({ configDir: join(base, 'config'), logger: createLogger((line) => lines.push(line), () => 'error'), redactor: createRedactor(), setLogLevel: () => undefined });
    await house.close('the test is over');
    assert.deepEqual(lines, []);
  });
});
