import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import rooms from './rooms.json';

/** The arrows of the house, checked against the imports as they are. */

const root = resolve(__dirname, '../..');
const ranks = new Map<string, number>(Object.entries(rooms.ranks));
const programs = new Map<string, readonly string[]>(Object.entries(rooms.programs));

type Import = Readonly<{ from: string; to: string; typeOnly: boolean }>;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.ts$/.test(file) && !/\.(test|d)\.ts$/.test(file));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|\brequire\(\s*'([^']+)'\s*\)/g);
  return [...found].map(([, type, statically, dynamically, required]) => ({ from: file, to: statically ?? dynamically ?? required ?? '', typeOnly: type !== undefined }));
}

function targetOf({ from, to }: Import): string {
  return to.startsWith('.') ? relative(root, resolve(root, dirname(from), to)).replaceAll('\\', '/') : to;
}

function roomOf(file: string): string | undefined {
  return [...ranks.keys()].find((room) => file === room || file === room.replace(/\.ts$/, '') || file.startsWith(`${room}/`));
}

const all = [...programs.keys()].flatMap((program) => sources(`${program}/src`)).flatMap(importsOf);

describe('rooms', () => {
  it('sees the imports of every program', () => {
    for (const program of programs.keys()) assert.ok(all.some(({ from }) => from.startsWith(`${program}/`)), `no import found in ${program}`);
  });

  it('rooms:programs-one-way: a program imports only the programs that it may', () => {
    const wrong = all.filter((one) => {
      const own = one.from.split('/')[0] ?? '';
      const other = targetOf(one).split('/')[0] ?? '';
      return programs.has(other) && other !== own && programs.get(own)?.includes(other) !== true;
    });
    assert.deepEqual(wrong, []);
  });

  it('rooms:arrows-one-way: a room imports only rooms of a lower rank', () => {
    const wrong = all.filter((one) => {
      const target = targetOf(one);
      const [from, to] = [roomOf(one.from), roomOf(target)];
      if (from === undefined || to === undefined || from === to) return false;
      return (ranks.get(from) ?? 0) <= (ranks.get(to) ?? 0);
    });
    assert.deepEqual(wrong, []);
  });

  it('rooms:everyone-has-one: every file of the server stands in a room', () => {
    assert.deepEqual(sources('server/src').filter((file) => roomOf(file) === undefined), []);
  });

  for (const [room, parts] of Object.entries(rooms.within)) {
    const partRanks = new Map<string, number>(Object.entries(parts));
    const partOf = (file: string): string | undefined => (file.startsWith(`${room}/`) ? file.slice(room.length + 1).split('/')[0] : undefined);

    it(`rooms:arrows-within: in ${room}, a part imports only parts of a lower rank, and every file stands in one`, () => {
      const inside = all.filter(({ from }) => from.startsWith(`${room}/`));
      assert.ok(inside.length > 0);
      assert.deepEqual(sources(room).filter((file) => !partRanks.has(partOf(file) ?? '')), []);
      const wrong = inside.filter((one) => {
        const [from, to] = [partOf(one.from), partOf(targetOf(one))];
        return to !== undefined && from !== to && (partRanks.get(from ?? '') ?? 0) <= (partRanks.get(to) ?? 0);
      });
      assert.deepEqual(wrong, []);
    });
  }

  for (const danger of rooms.dangerous) {
    it(`rooms:dangerous: ${danger.import} is imported only where the table says`, () => {
      const wrong = all.filter(({ from, to, typeOnly }) => {
        if (typeOnly) return false;
        const bare = danger.import.replace(/^node:/, '');
        const same = to === danger.import || to === bare || to.startsWith(`${danger.import}/`);
        return same && !danger.only.some((place) => from.startsWith(place));
      });
      assert.deepEqual(wrong, []);
    });
  }

  it('rooms:protocol-pure: protocol does no input or output', () => {
    const allowed = /^(\.|zod$|node:crypto$|node:buffer$|vscode-json-languageservice$)/;
    assert.deepEqual(all.filter(({ from, to }) => from.startsWith('protocol/') && !allowed.test(to)), []);
  });

  it('rooms:rules-pure: rules know no clock, disk, network or waiting', () => {
    const rules = sources('server/src/rules');
    assert.ok(rules.length > 0);
    for (const file of rules) {
      const text = readFileSync(join(root, file), 'utf8');
      assert.doesNotMatch(text, /from 'node:(?!path|crypto)|\bawait\b|\basync\b|Date\.now|performance\.now|Math\.random/, file);
    }
  });

  it('rooms:secrets: the secret storage of the editor is used in one folder', () => {
    const users = sources('client/src').filter((file) => /\bSecretStorage\b|\.secrets\b/.test(readFileSync(join(root, file), 'utf8')) && !file.startsWith('client/src/credentials/'));
    assert.deepEqual(users, []);
  });

  it('rooms:one-appender: the audit log is opened for append in one file', () => {
    const appenders = sources('server/src').filter((file) => /audit/.test(file) && /['"]a\+?['"]|O_APPEND/.test(readFileSync(join(root, file), 'utf8')));
    assert.ok(appenders.length <= 1, appenders.join(', '));
  });
});
