import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** The search of the canary proof. It knows the forms of a value by itself, and nothing of how they are removed. */

/** Everything that would give a value away, as bytes. */
export function formsOf(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value);
  const middle = (lead: string): string => Buffer.from(lead + value).toString('base64').replace(/=+$/, '').slice(lead === '' ? 0 : lead.length + 1, -1);
  const texts = [
    value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), encodeURIComponent(value).toLowerCase(), [...value].reverse().join(''),
    bytes.toString('hex'), bytes.toString('hex').toUpperCase(), middle(''), middle('a'), middle('ab'), bytes.toString('base64url').slice(0, -1),
    [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''), [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    // Half of it is too much already.
    value.slice(0, Math.ceil(value.length / 2)), value.slice(-Math.ceil(value.length / 2)),
  ];
  return [...texts.map((text) => Buffer.from(text)), Buffer.from(value, 'utf16le')];
}

/** Whether any form of any of the values stands in these bytes. */
export function holds(bytes: Buffer, values: readonly string[]): boolean {
  return values.some((value) => formsOf(value).some((form) => bytes.includes(form)));
}

/** The files below a folder that hold one. */
export function filesWith(folder: string, values: readonly string[]): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)).filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  return files.filter((file) => holds(readFileSync(file), values));
}

/** A running process: its number, and what it was started with. */
export type Running = Readonly<{ pid: number; commandLine: Buffer; environment: Buffer }>;

/** Every process below one, itself included (Linux). */
export function processesBelow(root: number): readonly Running[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
      return [{ pid: Number(name), parent, commandLine: readFileSync(`/proc/${name}/cmdline`), environment: readFileSync(`/proc/${name}/environ`) }];
    } catch {
      return []; // it has ended, or is another user's
    }
  });
  const below = new Set([root]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return all.filter(({ pid }) => below.has(pid));
}
