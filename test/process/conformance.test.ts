import assert from 'node:assert/strict';
import { runConformance, type Verdicts } from '../fakes/conformanceRun';
import { startConformanceServer2025 } from '../fakes/conformanceServer2025';
import { startConformanceServer2026 } from '../fakes/conformanceServer2026';
import { startHeaderProxy } from '../fakes/headerProxy';
import { startStdioAdapter } from '../fakes/stdioAdapter';
import { register } from './external';
import { conductor } from './house';
import { freePort, HttpTestHouse } from './httpHouse';
import { trustAll } from './trusting';

/**
 * The official conformance suite against a server of each era, directly and through each door of Conductor. What a server passes by itself it must
 * pass through Conductor, too. The suite speaks HTTP only: before `conductor mcp start` stands an adapter of ours, which answers for what is HTTP.
 */

const uses = ['resources/read', 'resources/subscribe', 'resources/unsubscribe', 'prompts/get', 'completion/complete', 'logging/setLevel', 'sampling/createMessage', 'elicitation/create', 'roots/list'];

/** Checks that pass directly and not through Conductor, each with its reason. None of them fails. */
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '2025-11-25': { 'server-sse-multiple-streams / server-sse-streams-functional': 'Conductor answers with JSON where nothing precedes the result, so that there are no streams to look at (INFO).' },
  '2026-07-28': {},
};

const servers = [['2025-11-25', startConformanceServer2025, 70], ['2026-07-28', startConformanceServer2026, 70]] as const;

/** The ways to Conductor: each opens one for the suite. */
const doors: Readonly<Record<string, (house: HttpTestHouse) => Promise<{ port: number; close(): Promise<void> }>>> = {
  HTTP: (house) => startHeaderProxy({ port: house.port, path: '/mcp/s', headers: () => ({ authorization: `Bearer ${house.token}`, 'conductor-project': house.project }) }),
  'the pipe of stdio': (house) => startStdioAdapter({ command: [process.execPath, conductor, 'mcp', 'start', '--project', house.project], env: house.env, prefix: 's__' }),
};

describe('the official conformance suite', function () {
  this.timeout(240_000);

  for (const [revision, start, least] of servers) {
    let passed: string[] = [];
    before(async () => {
      const alone = await start();
      passed = passedBy(await runConformance(alone.port, revision, 90_000).finally(() => alone.close()));
    });

    for (const [name, open] of Object.entries(doors)) {
      it(`mcp:conformance: ${revision} over ${name}: what a server passes directly it passes through Conductor`, async () => {
        const server = await start();
        const house = new HttpTestHouse(await freePort(), { approvalTimeout: 1000 });
        try {
          register(house, { s: { transport: 'http', url: `http://127.0.0.1:${String(server.port)}/mcp`, egress_allowlist: [`127.0.0.1:${String(server.port)}`] } }, [{ backend: 's', tools: [...server.tools, ...uses] }]);
          await trustAll(house);
          await house.opened();
          const door = await open(house);
          const through = await runConformance(door.port, revision, 90_000).finally(() => door.close());
          assert.ok(passed.length >= least, `only ${String(passed.length)} checks pass directly`);
          const lost = passed.filter((check) => through.get(check) !== 'SUCCESS').map((check) => `${check}: ${through.get(check) ?? 'did not run'}`);
          process.stdout.write(`      ${revision} over ${name}: ${String(passed.length)} checks pass directly, ${String(passedBy(through).length)} through Conductor\n`);
          assert.deepEqual(lost.filter((line) => !Object.keys(expected[revision] ?? {}).some((check) => line.startsWith(`${check}:`))), []);
        } finally {
          await house.close();
          await server.close();
        }
      });
    }
  }
});

function passedBy(verdicts: Verdicts): string[] {
  return [...verdicts].filter(([, verdict]) => verdict === 'SUCCESS').map(([check]) => check);
}
