import { strictest, type ToolCall, type Verdict } from '../../../protocol/src/call';
import { textOf } from '../base/jsonText';
import type { Prepared } from '../tools/tool';
import type { Policy, Rooms } from './rooms';

/** Looks for known secrets in what an agent sends: a value that comes back as an argument is on its way out (T72, T76). */

/** The rule that says so. */
export const inArguments = 'secrets.inArguments';

/** Names of the keys of Conductor itself, which belong in no argument. */
export const ownNames = { controlKey: 'conductor.controlKey', auditSalt: 'conductor.auditSalt', httpToken: 'conductor.httpToken' } as const;

/** The prepared call under the strictest of its own verdict and of what its arguments hold. */
export function judgeSecrets({ redactor }: Pick<Rooms, 'redactor'>, { input, line }: Pick<ToolCall, 'input' | 'line'>, { config }: Policy, prepared: Prepared): Prepared {
  // What comes beside the arguments goes out with them.
  const found = [input, line?.meta ?? {}, line?.rest ?? {}].flatMap((part) => redactor.find(textOf(part)));
  if (found.length === 0) return prepared;
  const own = new Set<string>(Object.values(ownNames));
  const names = [...new Set(found.map(({ name }) => name))];
  const denied = found.some(({ name, common }) => own.has(name) || (config.secrets.inArguments === 'deny' && !common));
  const verdict = denied ? refusal(names) : question(names, prepared.verdict);
  return { ...prepared, verdict: strictest([verdict, prepared.verdict]) };
}

/** Whether a person is asked because of a secret in the arguments: such an answer is for this call and no other, and nothing of it is kept. */
export function asksAboutSecrets({ verdict }: Pick<Prepared, 'verdict'>): boolean {
  return verdict.verdict === 'approve' && verdict.rule === inArguments;
}

function refusal(names: readonly string[]): Verdict {
  return { verdict: 'deny', rule: inArguments, reason: `The arguments hold the value of ${named(names)}. Values of secrets do not travel through arguments: the user can declare the secret for the command or backend that needs it.` };
}

function question(names: readonly string[], own: Verdict): Verdict {
  const reason = `The arguments hold what is also the value of ${named(names)}.`;
  return { verdict: 'approve', rule: inArguments, reason: own.verdict === 'approve' ? `${reason} ${own.reason}` : reason };
}

function named(names: readonly string[]): string {
  return `${names.length === 1 ? 'the secret' : 'the secrets'} ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and others' : ''}`;
}
