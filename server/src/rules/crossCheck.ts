import { parse, type AndOr, type Assignment, type Command, type PipelineNode, type Redirection as TheirRedirection, type Word, type WordPart } from 'unbash';
import type { CommandPlan, ParsedCommand, Pattern, Pipeline, Platform, Redirection } from './commandPlan';

/** Reads a line a second time with an independent parser of bash. Where the two differ, one of them is wrong, and nothing runs. */

/** A sentence about how the second reading differs from the plan, or undefined when both agree. */
export function disagreement(text: string, plan: CommandPlan, platform: Platform): string | undefined {
  // Backslash is a plain character on Windows, so that a bash parser has nothing to say about such a line.
  if (platform === 'win32' && text.includes('\\')) return undefined;
  const second = readAgain(text);
  if (second === undefined) return 'A second parser reads this line in another way, so it is refused. Write it more plainly: one command a call, with single quotes around text.';
  return JSON.stringify(second) === JSON.stringify(plan) ? undefined : 'Two parsers read this line differently, so it is refused. Write it more plainly: one command a call, with single quotes around text.';
}

function readAgain(text: string): CommandPlan | undefined {
  const script = parse(text);
  if ((script.errors?.length ?? 0) > 0) return undefined;
  const pipelines: Pipeline[] = [];
  for (const statement of script.commands) {
    if (statement.background === true) return undefined;
    const list = statement.command.type === 'AndOr' ? fromList(statement.command) : [fromPipeline(statement.command, ';')];
    for (const pipeline of list) {
      if (pipeline === undefined) return undefined;
      pipelines.push(pipelines.length === 0 ? { ...pipeline, joint: 'first' } : pipeline);
    }
  }
  return { pipelines };
}

function fromList(list: AndOr): (Pipeline | undefined)[] {
  return list.commands.map((node, index) => fromPipeline(node, index === 0 ? ';' : (list.operators[index - 1] ?? ';')));
}

function fromPipeline(node: PipelineNode, joint: Pipeline['joint']): Pipeline | undefined {
  if (node.type === 'Pipeline' && (node.prefixes.length > 0 || node.operators.some((operator) => operator !== '|'))) return undefined;
  const nodes = node.type === 'Pipeline' ? node.commands : [node];
  const commands = nodes.map((part) => (part.type === 'Command' ? fromCommand(part) : undefined));
  return commands.every((command) => command !== undefined) ? { joint, commands } : undefined;
}

function fromCommand(command: Command): ParsedCommand | undefined {
  const assignments: [string, string][] = [];
  for (const part of command.prefix) {
    if (part.type !== 'Assignment' || part.append === true || part.index !== undefined || part.value.type !== 'Word' || !isPlain(part.value)) return undefined;
    assignments.push([part.name, part.value.value]);
  }
  const name = command.name === undefined ? undefined : plainText(command.name);
  const rest: string[] = [];
  const patterns: Pattern[] = [];
  for (const word of command.args) {
    const active = word.type === 'Word' ? activeIn(word) : [];
    const text = active === undefined || active.length === 0 ? plainText(word) : word.type === 'Word' ? word.value : undefined;
    if (text === undefined) return undefined;
    rest.push(text);
    if (active !== undefined && active.length > 0) patterns.push({ at: rest.length, active });
  }
  const redirections = command.redirects.map(fromRedirection);
  if (name === undefined || !redirections.every((redirection) => redirection !== undefined)) return undefined;
  return { assignments, argv: [name, ...rest], redirections, ...(patterns.length === 0 ? {} : { patterns }) };
}

/** Where `*` and `?` stand for names, counted in the decoded word; undefined when the word holds anything but those and literal text. */
function activeIn(word: Word): readonly number[] | undefined {
  const active: number[] = [];
  let at = 0;
  for (const part of word.parts ?? []) {
    const value = part.type === 'Glob' && part.kind !== 'bracket' ? part.value : literalText(part);
    if (value === undefined) return undefined;
    if (part.type === 'Glob') for (let step = 0; step < value.length; step += 1) active.push(at + step);
    at += value.length;
  }
  return at === word.value.length || active.length === 0 ? active : undefined;
}

function literalText(part: WordPart): string | undefined {
  if (part.type === 'Literal' || part.type === 'SingleQuoted') return part.value;
  if (part.type !== 'DoubleQuoted') return undefined;
  return part.parts.map((inner) => (inner.type === 'Literal' ? inner.value : undefined)).reduce<string | undefined>((all, text) => (all === undefined || text === undefined ? undefined : all + text), '');
}

/** `name=value` after `export` and its kind is an assignment for bash and a plain word for us; both are refused or judged later. */
function plainText(word: Word | Assignment): string | undefined {
  if (word.type === 'Word') return isPlain(word) ? word.value : undefined;
  const { value } = word;
  return value.type === 'Word' && isPlain(value) && word.append !== true && word.index === undefined ? `${word.name}=${value.value}` : undefined;
}

/** Only literal text and quotes around literal text count as plain; a pattern, an expansion or a brace list does not. */
function isPlain(word: Word): boolean {
  return (word.parts ?? []).every((part) => {
    if (part.type === 'DoubleQuoted') return part.parts.every((inner) => inner.type === 'Literal');
    return part.type === 'Literal' || part.type === 'SingleQuoted';
  });
}

function fromRedirection(theirs: TheirRedirection): Redirection | undefined {
  if (theirs.type !== 'Redirect' || theirs.target === undefined || !isPlain(theirs.target)) return undefined;
  if (theirs.descriptor !== undefined && theirs.descriptor.type !== 'FileDescriptor') return undefined;
  const target = theirs.target.value;
  const number = theirs.descriptor?.value;
  if (theirs.operator === '<') return number === undefined || number === 0 ? { kind: 'read', target } : undefined;
  const kind = theirs.operator.endsWith('>>') ? 'append' : 'write';
  if (theirs.operator.startsWith('&')) return { kind, descriptor: 'both', target };
  const descriptor = number ?? 1;
  if (descriptor !== 1 && descriptor !== 2) return undefined;
  if (theirs.operator === '>' || theirs.operator === '>>' || theirs.operator === '>|') return { kind, descriptor, target };
  if (theirs.operator === '>&' && (target === '1' || target === '2')) return { kind: 'merge', descriptor, into: target === '1' ? 1 : 2 };
  return undefined;
}
