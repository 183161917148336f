import type { Outcome } from '../../../protocol/src/call';
import { ConductorError } from '../../../protocol/src/errors';
import type { Question } from '../approvals/question';
import { onceOnly, type Caller } from './asking';
import type { Rooms } from './rooms';

/** Takes secrets out of what a call says: to the agent while it runs and at its end, to the log, to the breaker, to the people who are asked. */

/**
 * The rooms, with a desk that shows no secret of the store. What an answer binds to stays what it is. Texts in the form of a token are shown:
 * the agent chose them, and could hide a command from the person in one.
 */
export function withCleanDesk<Some extends Pick<Rooms, 'desk' | 'redactor'>>(rooms: Some): Some {
  return { ...rooms, desk: { ask: (question, options) => rooms.desk.ask(cleanQuestion(rooms.redactor, question), options) } satisfies Rooms['desk'] };
}

function cleanQuestion(redactor: Rooms['redactor'], question: Question): Question {
  const clean = redactor.knownOut(question);
  if (clean.raw === question.raw) return clean;
  return { ...clean, ...onceOnly(clean), notWhole: [clean.notWhole, 'A value of the credential store stands in the action, and is not shown.'].filter((part) => part !== undefined).join(' ') };
}

/** The caller, who hears no secret while a tool runs. Lines are cut anywhere, so that also pieces of values are taken out. */
export function withCleanProgress({ redactor }: Pick<Rooms, 'redactor'>, caller: Caller): Caller {
  const cleanReport = (report: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    const { message } = report;
    return { ...redactor.value(report), ...(typeof message === 'string' ? { message: redactor.piece(message) } : {}) };
  };
  return { ...caller, progress: (message, report) => caller.progress(redactor.piece(message), ...(report === undefined ? [] : [cleanReport(report)])) };
}

/** The outcome without secrets; the same when it has none. */
export function cleanOutcome({ redactor }: Pick<Rooms, 'redactor'>, outcome: Outcome): Outcome {
  switch (outcome.kind) {
    case 'success':
      return redactor.value(outcome);
    case 'refused':
      return { ...outcome, reason: redactor.text(outcome.reason) };
    case 'failure': {
      const { error, ...rest } = outcome;
      return { ...redactor.value(rest), error: cleanError(redactor, error) };
    }
  }
}

function cleanError(redactor: Rooms['redactor'], error: ConductorError): ConductorError {
  const { message, data, next } = error;
  const clean = redactor.value({ message, data, next });
  // Without its cause, which quotes.
  return clean.message === message && clean.data === data && clean.next === next ? error : new ConductorError(error.code, clean.message, { data: clean.data, next: clean.next });
}
