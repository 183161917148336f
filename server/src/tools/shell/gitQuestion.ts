import { runChildren } from '../../base/childProcess';
import type { NotKnown } from '../../rules/places';
import { gitEnvironment, type GitMode } from './environment';
import type { Binary } from './resolve';

/** Asks git about a repository: only commands that look, and in an environment in which git runs nothing of the repository's. */

/** What is needed to ask. */
export type Asking = Readonly<{
  git: Binary;
  environment: Readonly<Record<string, string>>;
  /** Milliseconds that one answer may take. Default 10,000: generous, since a busy machine is no reason to ask a person. */
  patienceMs?: number;
  /** Default `neutral`; `personal` where the answer lies in the user's own configuration. */
  mode?: Exclude<GitMode, 'approved'>;
  /** How many more questions one judgement may put; counted down. Without it there is no end. */
  budget?: { left: number };
}>;

/** Questions of one judgement, whatever its line names: each of them starts a program. */
export const maxQuestions = 256;

/** Bytes of one answer; a repository that has more to say counts as unknown. */
const maxAnswer = 48 * 1024 * 1024;

/** What git said, or that it said no. */
export type Answer = Readonly<{ code: number; text: string }>;

/** Puts one question. A time-out, a flood or a signal is not known, and the text says which. */
export async function askGit(args: readonly string[], folder: string, asking: Asking): Promise<Answer | NotKnown> {
  const { patienceMs = 10_000, budget } = asking;
  if (budget !== undefined && (budget.left -= 1) < 0) return { unknown: `the line would put more than ${maxQuestions} questions to git` };
  const environment = { ...asking.environment, ...gitEnvironment(asking.mode ?? 'neutral') };
  const child = { file: asking.git.path, args: [...asking.git.prefix, ...args], cwd: folder, environment, input: 'nothing', output: 'stdout', errors: 'nowhere' } as const;
  const run = await runChildren([child], { timeoutMs: patienceMs, keepBytes: maxAnswer, floodBytes: maxAnswer });
  const what = `git ${args.find((word) => !word.startsWith('-')) ?? ''}`;
  if (run.kind === 'notStarted') return { unknown: `${what} could not be started (${run.error.message})` };
  if (run.stopped === 'timeout') return { unknown: `${what} gave no answer within ${patienceMs / 1000} seconds` };
  const code = run.exits[0]?.code ?? null;
  if (run.stopped !== undefined || code === null || run.stdout.omitted > 0) return { unknown: `${what} gave no answer that could be read` };
  return { code, text: Buffer.concat([run.stdout.head, run.stdout.tail]).toString('utf8') };
}

/** Puts a question to which only an exit code of 0 is an answer. */
export async function askGitText(args: readonly string[], folder: string, asking: Asking): Promise<string | NotKnown> {
  const answer = await askGit(args, folder, asking);
  if ('unknown' in answer) return answer;
  return answer.code === 0 ? answer.text : { unknown: `git ${args.find((word) => !word.startsWith('-')) ?? ''} failed` };
}

/** Whether a text answer is missing. */
export function isNotKnown<T>(answer: T | NotKnown): answer is NotKnown {
  return typeof answer === 'object' && answer !== null && 'unknown' in answer;
}

/** The parts of an answer that ends each of them with NUL. */
export function partsOf(text: string): readonly string[] {
  const parts = text.split('\0');
  return parts.at(-1) === '' ? parts.slice(0, -1) : parts;
}
