import type { Pending } from '../../../../protocol/src/approvals';
import { oddWords } from '../../../../protocol/src/display';
import type { Measured, Offer, RungName } from '../../../../protocol/src/grants';
import { decide, show, type Behind } from './call';
import { showFiles } from './files';
import { line, note, printTable, put } from './terminal';
import type { Watching } from './watch';

/** What a person can type about a call that is on the screen. */

/** Whether the call is done with here. */
export type Step = 'next' | 'stay';

/** The call in front of a person, and whether all of its action was on the screen. */
export type OnScreen = Readonly<{ call: Pending; screen: { whole: boolean } }>;

/** The question, with the words that fit the call. */
export function words(call: Pending): string {
  return `Approve once? [y]es [n]o, with [r]eason${rungsOf(call).length === 0 ? '' : ', [m]ore'}, [d]etails, [l]ist, [s]kip: `;
}

/** Does what was typed. Whatever is not understood answers nothing. */
export async function take(watching: Watching, { call, screen }: OnScreen, typed: string, signal: AbortSignal): Promise<Step> {
  const { broker, queue } = watching;
  switch (typed.toLowerCase()) {
    case 'y':
    case 'yes':
      return screen.whole ? await send(watching, call, 'approve') : notSeen();
    case 'n':
    case 'no':
      return await send(watching, call, 'deny');
    case 'r':
      return await denyWithReason(watching, call, signal);
    case 'm':
      return screen.whole ? await forLonger(watching, call, signal) : notSeen();
    case 'd':
      screen.whole = show(call);
      await showFiles(broker, call);
      return 'stay';
    case 'l':
      list(watching, call);
      return 'stay';
    case 's':
      queue.skip(call);
      return 'next';
    default:
      return choose(watching, typed);
  }
}

function notSeen(): Step {
  note('Not all of it was shown yet: type d first. Nothing was answered.');
  return 'stay';
}

async function send({ broker, key }: Watching, call: Pending, decision: 'approve' | 'deny', behind: Behind = {}): Promise<Step> {
  // Too late, or not counted: it is either gone, or stays and is asked about again.
  return (await decide(broker, call, decision, { ...behind, key })) === 0 ? 'next' : 'stay';
}

async function denyWithReason(watching: Watching, call: Pending, signal: AbortSignal): Promise<Step> {
  const reason = await watching.ask('What the agent is told (Enter alone goes back): ', signal);
  return reason === undefined || reason === '' ? 'stay' : await send(watching, call, 'deny', { reason: reason.slice(0, 2000) });
}

function list({ queue }: Watching, call: Pending): void {
  printTable([['', 'NO', 'TOOL', 'CLIENT', 'EXPIRES', 'ACTION'], ...queue.all.map((one, index) => [one.id === call.id ? '>' : queue.isSkipped(one) ? 's' : '', String(index + 1), one.tool, one.client, one.expiresAt, one.raw])]);
  note('A number shows that call; s marks what you skipped.');
}

function choose({ queue }: Watching, typed: string): Step {
  const chosen = /^\d{1,4}$/.test(typed) ? queue.all[Number(typed) - 1] : undefined;
  if (chosen === undefined) {
    note('Type one of the letters, or the number of a call in the list. Nothing was answered.');
    return 'stay';
  }
  queue.choose(chosen);
  return 'next';
}

type Rung = Readonly<{ decision: 'approve' | 'deny'; offer: Offer }>;

/** What an answer may reach. What cannot be shown as it is can be allowed once only. */
function rungsOf({ ladder, raw, cwd, notWhole }: Pending): readonly Rung[] {
  const whole = notWhole === undefined && [raw, cwd].every((text) => oddWords([text]) === undefined);
  const allow = whole ? (ladder?.allow ?? []) : [];
  return [...allow.map((offer) => ({ decision: 'approve', offer }) as const), ...(ladder?.deny ?? []).map((offer) => ({ decision: 'deny', offer }) as const)];
}

async function forLonger(watching: Watching, call: Pending, signal: AbortSignal): Promise<Step> {
  const rungs = rungsOf(call);
  // How far each would have reached is a help; without it the choice is the same.
  const measured = await watching.broker.request('approvals/weigh', { id: call.id, digest: call.digest }).then(({ rungs: found }) => found, () => []);
  rungs.forEach((rung, index) => tell(rung, index + 1, measured));
  if (call.ladder?.limit !== undefined) put('     ', line(call.ladder.limit));
  const typed = await watching.ask(rungs.length === 0 ? 'Nothing reaches further for this call. Enter goes back: ' : 'Number (Enter alone goes back): ', signal);
  const rung = typed === undefined || !/^\d{1,2}$/.test(typed) ? undefined : rungs[Number(typed) - 1];
  if (rung === undefined) return 'stay';
  if (rung.decision === 'approve' && (await watching.ask(`Type "yes" to allow it for longer than this call: ${line(rung.offer.title)}: `, signal))?.toLowerCase() !== 'yes') return 'stay';
  return await send(watching, call, rung.decision, { rung: rung.offer.rung });
}

function tell({ decision, offer }: Rung, number: number, measured: readonly Measured[]): void {
  const found = decision === 'approve' ? measured.find(isFor(offer.rung)) : undefined;
  const reached = found === undefined ? [] : [`${String(found.past.covered)} of ${String(found.past.asked)} earlier calls that asked; it would newly allow: ${line(found.example)}`];
  put('  ', `${String(number).padStart(2)} ${decision === 'approve' ? 'allow' : 'FORBID'}: ${line(offer.title)} (${line(offer.lasts)})`);
  for (const text of [line(offer.covers), ...reached]) put('     ', text);
}

function isFor(name: RungName): (one: Measured) => boolean {
  return ({ rung }) => rung === name;
}
