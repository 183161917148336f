import assert from 'node:assert/strict';
import { definitionsFor, type Surroundings } from './agents/definitions';
import { backoffMs } from './backoff';
import { breakerLabel, breakerTooltip, isNews, type Heard } from './breakers/rows';
import { starterConfig } from './config/starter';
import { parse } from 'jsonc-parser';
import { configSchema, defaultConfig } from '../../protocol/src/config';
import { Lifetime } from './lifetime';
import { statusText, type Facts } from './status/text';
import { isOlder } from './versions';

const quiet: Facts = { link: { kind: 'connected', version: '0.1.0' }, waiting: 0, again: 0, broken: undefined, stopped: [], status: undefined };
const status = {
  version: '0.1.0', pid: 1, startedAt: '', configDir: '/c', pathIsolation: '', connections: { agent: 0, viewer: 0, editor: 1, cli: 0 }, pending: 0,
  audit: { entries: 3, head: '', health: 'ok', message: '' }, signing: { logId: null, signedTo: null, at: null, place: null, publicKey: null, problem: null, anchors: [] }, config: { file: '/c/config.json', source: 'current', problems: [], policyHash: '' }, memoryMb: 50, doors: [],
} as const;

describe('the status item', () => {
  const look = (facts: Partial<Facts>): string => {
    const { text, background } = statusText({ ...quiet, ...facts });
    return `${text} [${background}]`;
  };

  it('names everything that is wrong in the tooltip, once', () => {
    const broken = { ...status, config: { ...status.config, source: 'lastGood', problems: [{ message: 'bad key', path: '', line: 3, column: 1 }] } } as const;
    const { text, tooltip } = statusText({ ...quiet, status: broken as never, stopped: ['shell.exec'], credentials: { reason: 'No key.', next: 'Type the passphrase.', refused: false } });
    assert.equal(text, '$(warning) Conductor: config broken');
    assert.match(tooltip, /last good one holds[\s\S]*No key\. Type the passphrase\.\nStopped after repeated failures: shell\.exec/);
    assert.equal(tooltip.split('last good one holds').length, 2);
  });

  it('tells the most urgent thing', () => {
    const broken = { ...status, config: { ...status.config, source: 'lastGood', problems: [{ message: 'bad', path: '', line: 3, column: 1 }] } } as const;
    assert.equal(look({}), '$(shield) Conductor [none]');
    assert.equal(look({ waiting: 2 }), '$(shield) 2 pending [warning]');
    assert.equal(look({ waiting: 2, again: 1 }), '$(shield) 2 pending, 1 asked again [warning]');
    assert.equal(look({ broken: 'Chain broken at line 7: edited' }), '$(error) Conductor: audit chain broken [error]');
    assert.equal(look({ waiting: 1, broken: 'x' }), '$(error) 1 pending, audit chain broken [error]');
    assert.equal(look({ status: broken as never }), '$(warning) Conductor: config broken [warning]');
    assert.equal(look({ status: { ...status, audit: { ...status.audit, health: 'unavailable' } } as never }), '$(error) Conductor: audit log unavailable [error]');
    assert.equal(look({ stopped: ['shell.exec'] }), '$(zap) Conductor: shell.exec stopped [none]');
    assert.equal(look({ stopped: ['shell.exec', 'filesystem.read'] }), '$(zap) Conductor: 2 tools stopped [none]');
    assert.equal(look({ stopped: ['shell.exec'], waiting: 1 }), '$(shield) 1 pending [warning]');
    assert.equal(look({ link: { kind: 'connecting' } }), '$(loading~spin) Conductor: connecting [none]');
    assert.equal(look({ link: { kind: 'connecting', reason: 'no' } }), '$(debug-disconnect) Conductor: not connected [warning]');
  });

  it('does not call a configuration broken that is in force and only has the wrong rights', () => {
    const open = { ...status, config: { ...status.config, problems: [{ message: 'Other users can write this file.', path: '', line: 1, column: 1 }] } } as const;
    assert.equal(look({ status: open as never }), '$(warning) Conductor: others can change the config [warning]');
    assert.match(statusText({ ...quiet, status: open as never }).tooltip, /in force\. Other users can write this file\.$/m);
  });

  it('says in its tooltip how far the log is verified', () => {
    assert.match(statusText({ ...quiet, status: status as never, verified: 'Verified to #3 at 14:02: signed to #3.' }).tooltip, /\nVerified to #3 at 14:02: signed to #3\.\n/);
  });

  it('says in its tooltip where the configuration is broken', () => {
    const broken = { ...status, config: { ...status.config, source: 'lastGood', problems: [{ message: 'bad key', path: '', line: 3, column: 1 }] } } as const;
    assert.match(statusText({ ...quiet, status: broken as never }).tooltip, /last good one holds\. Line 3: bad key/);
  });
});

describe('the server definitions for VS Code’s agent', () => {
  const around: Surroundings = { trusted: true, folders: [{ name: 'app', path: '/w/app' }], execPath: '/node', script: '/ext/dist/conductor.js', configDir: undefined, window: 'w1' };

  it('start the pipe in the folder, as plain Node', () => {
    assert.deepEqual(definitionsFor(around), [{ label: 'Conductor', command: '/node', args: ['/ext/dist/conductor.js', 'mcp', 'start', '--project', '/w/app'], env: { ELECTRON_RUN_AS_NODE: '1', CONDUCTOR_WINDOW: 'w1' }, cwd: '/w/app' }]);
  });

  it('are none before trust', () => {
    assert.deepEqual(definitionsFor({ ...around, trusted: false }), []);
  });

  it('pass the configuration folder on, and tell folders of one name apart', () => {
    const folders = [{ name: 'app', path: '/a/app' }, { name: 'app', path: '/b/app' }, { name: 'lib', path: '/lib' }];
    const definitions = definitionsFor({ ...around, folders, configDir: '/c' });
    assert.deepEqual(definitions.map(({ label }) => label), ['Conductor (app)', 'Conductor (app 2)', 'Conductor (lib)']);
    assert.ok(definitions.every(({ env }) => env['CONDUCTOR_CONFIG_DIR'] === '/c'));
  });
});

describe('the starter configuration', () => {
  it('is valid and changes nothing', () => {
    assert.deepEqual(configSchema.parse(parse(starterConfig)), defaultConfig);
  });
});

describe('a lifetime', () => {
  it('ends the last one first, and late comers at once', () => {
    const ended: string[] = [];
    const life = new Lifetime();
    life.onEnd(() => ended.push('first'));
    life.onEnd(() => ended.push('second'));
    life.dispose();
    life.onEnd(() => ended.push('late'));
    assert.deepEqual(ended, ['second', 'first', 'late']);
  });
});

describe('the wait before the next attempt', () => {
  it('doubles from a quarter of a second up to ten seconds', () => {
    assert.deepEqual([0, 1, 2, 5, 6, 1000].map(backoffMs), [250, 500, 1000, 8000, 10_000, 10_000]);
  });
});

describe('the rows of the breakers', () => {
  const heard = (different: Partial<Heard['breaker']>): Heard => ({ breaker: { tool: 'shell.exec', state: 'closed', failures: 0, threshold: 5, ...different }, atMs: Date.parse('2026-11-21T20:00:00.000Z') });

  it('say in words what holds, and when a stopped tool is tried again', () => {
    const at = new Date('2026-11-21T20:00:30.000Z').toTimeString().slice(0, 8);
    assert.equal(breakerLabel(heard({})).description, 'works');
    assert.equal(breakerLabel(heard({ failures: 2 })).description, 'works, 2 of 5 failures');
    assert.equal(breakerLabel(heard({ state: 'open', failures: 5, retryAfterMs: 30_000 })).description, `stopped, tries again at ${at}`);
    assert.equal(breakerLabel(heard({ state: 'halfOpen', failures: 5 })).description, 'next call is a probe');
  });

  it('say in the tooltip what failed', () => {
    assert.equal(breakerTooltip(heard({ failures: 5, lastFailure: 'exit\u0007 code 2' })), '5 failures in a row; 5 stop the tool for a while.\nLast failure: exit\\u{7} code 2');
  });

  it('are only those of tools with failures', () => {
    assert.deepEqual([isNews(heard({})), isNews(heard({ failures: 1 })), isNews(heard({ state: 'halfOpen' }))], [false, true, true]);
  });
});

describe('versions', () => {
  it('are compared by number, part by part', () => {
    assert.equal(isOlder('0.1.0', '0.2.0'), true);
    assert.equal(isOlder('0.9.0', '0.10.0'), true);
    assert.equal(isOlder('1.0.0', '0.10.9'), false);
    assert.equal(isOlder('0.1.0', '0.1.0'), false);
    assert.equal(isOlder('not a version', '0.1.0'), false);
  });
});
