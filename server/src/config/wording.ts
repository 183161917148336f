import { basename as posixBasename } from 'node:path/posix';
import type { z } from 'zod';
import { revealLine } from '../../../protocol/src/display';
import { isBetterUnsaid, isKeyBetterUnsaid } from '../rules/redaction/typedSecret';
import { closest } from './closest';
import { pathText } from './finding';
import { problemLimit } from './jsonc';
import { schemaAt, schemaPaths, type JsonSchema } from './schema';

type Issue = z.core.$ZodIssue;

/** What is said about one place: about the value there, or about the key itself. `instead` is JSON text that would correct it. */
export type Remark = Readonly<{ code: string; message: string; path: readonly PropertyKey[]; mark: 'key' | 'value'; instead?: string }>;

/** Words for what the schema found, with the likely meaning of misspelled keys and values. `value` is what stands at the issue's path. */
export function remarksOf(issue: Issue, value: unknown, schema: JsonSchema): Remark[] {
  const at = (code: string, message: string, instead?: string): Remark[] => [
    { code, message, path: issue.path, mark: 'value', ...(instead === undefined ? {} : { instead: JSON.stringify(instead) }) },
  ];
  const here = saidAt(issue.path, value);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys
        .slice(0, problemLimit)
        .filter((key) => key !== '__proto__') // The text itself was searched for it already.
        .map((key) => unknownKey(key, issue.path, schema));
    case 'invalid_key': {
      const message = issue.issues[0]?.message ?? issue.message;
      return [{ code: 'config.keyForm', message: `${message} This is ${saidKey(String(issue.path.at(-1)))}.`, path: issue.path, mark: 'key' }];
    }
    case 'invalid_type':
      if (value === undefined) return at('config.missing', `The key ${saidKey(String(issue.path.at(-1)))} is missing here.`);
      return at('config.type', `Write ${wanted(issue.expected)} here, not ${kindOf(value, here)}.`);
    case 'too_small':
      return at('config.range', `Write ${String(issue.minimum)} or more; this is ${here}.`);
    case 'too_big':
      return at('config.range', `Write ${String(issue.maximum)} or less; this is ${here}.`);
    case 'invalid_value': {
      const near = typeof value === 'string' ? closest(value, issue.values.map(String)) : undefined;
      return at('config.choice', `Write one of ${listed(issue.values.map(quoted))}; this is ${here}.${near === undefined ? '' : ` Did you mean ${quoted(near)}?`}`, near);
    }
    case 'invalid_union': {
      const choices: readonly string[] = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
      if (choices.length === 0) return at('config.value', issue.message);
      if (value === undefined) return at('config.missing', `The key ${saidKey(String(issue.path.at(-1)))} is missing here. Write one of ${listed(choices.map(quoted))}.`);
      const near = typeof value === 'string' ? closest(value, choices) : undefined;
      return at('config.choice', `Write one of ${listed(choices.map(quoted))}; this is ${here}.${near === undefined ? '' : ` Did you mean ${quoted(near)}?`}`, near);
    }
    case 'invalid_format': {
      const { message, instead } = formAdvice(value, issue.path, issue.message);
      return at('config.form', message, instead);
    }
    default: // A newer schema library may find what this one does not know; the file is refused all the same.
      return at('config.value', issue.message);
  }
}

function unknownKey(key: string, parent: readonly PropertyKey[], schema: JsonSchema): Remark {
  const path = [...parent, key];
  const known = Object.keys(schemaAt(schema, parent)?.properties ?? {});
  const remark = (advice: string, instead?: string): Remark => ({
    code: 'config.unknownKey',
    message: `There is no key ${saidKey(key)} ${parent.length === 0 ? 'at the top' : `in ${pathText(parent)}`}. ${advice}`,
    path,
    mark: 'key',
    ...(instead === undefined ? {} : { instead: JSON.stringify(instead) }),
  });
  const near = closest(key, known);
  if (near !== undefined) return remark(`Did you mean ${quoted(near)}?`, near);
  if (/token|secret|passw|api_?key|credential/i.test(key)) return remark('Remove it: secrets do not belong in this file.');
  const elsewhere = schemaPaths(schema).filter((other) => other.at(-1) === key);
  if (elsewhere.length > 0) return remark(`It belongs in ${listed(elsewhere.map((other) => pathText(other.slice(0, -1))))}.`);
  return remark(`Known here: ${listed(known)}.`);
}

// The advice for a text of the wrong form: what to write for a path, a wildcard or a whole command line in a list of programs.
function formAdvice(value: unknown, path: readonly PropertyKey[], message: string): { message: string; instead?: string } {
  const here = saidAt(path, value);
  if (typeof value !== 'string' || here === unsaid || !pathText(path).startsWith('plugins.shell.')) return { message: `${message} This is ${here}.` };
  if (/[*?[\]{}]/.test(value)) return { message: `${quoted(value)}: wildcards are not accepted. Name each program.` };
  const [word = ''] = value.trim().split(/\s+/);
  const name = posixBasename(word.replaceAll('\\', '/')).replace(/\.(?:exe|cmd|bat)$/i, '');
  const advice = /^[A-Za-z0-9_.+-]+$/.test(name) ? ` Write ${quoted(name)}.` : '';
  const instead = advice === '' ? {} : { instead: name };
  if (/[/\\]/.test(word)) return { message: `${quoted(value)}: paths are not accepted, since programs are found by name in trusted folders.${advice}`, ...instead };
  if (word !== value) return { message: `${quoted(value)}: only the name of the program belongs here; its arguments are judged at each call.${advice}`, ...instead };
  return { message: `${message} This is ${quoted(value)}.` };
}

const wants: Readonly<Record<string, string>> = {
  string: 'text in double quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in square brackets',
  object: 'an object in braces',
  record: 'an object in braces',
};

function wanted(expected: string): string {
  return wants[expected] ?? expected;
}

function kindOf(value: unknown, here: string): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' && !Number.isFinite(value) ? 'a number that large' : here;
}

const unsaid = 'something that is not shown, since it may be a secret';

/** What stands at a place, as it is said: a secret in the wrong place must not travel in what is wrong with it. */
function saidAt(path: readonly PropertyKey[], value: unknown): string {
  const isText = typeof value === 'string' || typeof value === 'number';
  return isText && isBetterUnsaid(path, String(value)) ? unsaid : quoted(value);
}

function saidKey(key: string): string {
  return isKeyBetterUnsaid(key) ? 'that is not shown, since it may be a secret,' : quoted(key);
}

function quoted(value: unknown): string {
  return revealLine(typeof value === 'symbol' || value === undefined ? String(value) : JSON.stringify(value), 80);
}

function listed(words: readonly string[]): string {
  return words.length <= 1 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;
}
