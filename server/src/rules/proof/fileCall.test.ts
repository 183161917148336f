import assert from 'node:assert/strict';
import places from '../../../../test/vectors/paths/places.json';
import { defaultConfig } from '../../../../protocol/src/config';
import type { FileAction } from '../scope';
import { judgeFileCall } from './fileCall';
import type { ProofProject } from './project';

/** The file tools answer these cases on a real disk; the prover must say the same without one. */

type Case = Readonly<{ id: string; tool: string; path: string; verdict: string; rule: string; allowed?: readonly string[]; config?: string; asks?: readonly FileAction[] }>;

const fill = (text: string): string => text.replaceAll('${WS}', '/r/ws').replaceAll('${CONFIG}', '/r/cfg').replaceAll('${ROOT}', '/r');

function projectOf(test: Case): ProofProject {
  const lines = places.tree as readonly (readonly string[])[];
  const of = (kind: string) => lines.filter(([found]) => found === kind).map(([, path = '', more = '']) => [`/r/${path}`, more] as const);
  return {
    platform: 'posix',
    folders: { home: '/home/you', project: '/r/ws', own: test.config === undefined ? '/r/cfg' : fill(test.config) },
    links: new Map(of('link').map(([path, target]) => [path, fill(target)])),
    files: new Set([...of('file'), ...of('hard')].map(([path]) => path)),
    // Both names of a file are shared: the one in the project and the one elsewhere.
    hardLinks: new Set(of('hard').flatMap(([path, other]) => [path, `/r/${other}`])),
  };
}

/** What only a disk can tell: that something is missing, that a walk breaks off, that a folder does not exist. */
const onlyOnDisk = new Set(['filesystem.impossible']);

describe('the file tools, judged without a disk', () => {
  for (const test of places.cases as unknown as readonly Case[]) {
    if (onlyOnDisk.has(test.rule)) continue;
    it(`${test.id} ${test.tool} ${JSON.stringify(test.path).slice(0, 60)}: ${test.rule}`, () => {
      const settings = { ...defaultConfig.plugins.filesystem, allowedPaths: (test.allowed ?? []).map(fill), requireApproval: [...(test.asks ?? [])] };
      const { verdict, rule, reason } = judgeFileCall(test.tool as FileAction, fill(test.path), settings, projectOf(test));
      assert.deepEqual([verdict, rule], [test.verdict, test.rule], reason);
    });
  }
});
