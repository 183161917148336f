import type { StoredEntry } from '../../../../protocol/src/audit/entry';

/**
 * Checks what calls ran on: one that had to be approved names what it ran on, and one that goes on with an earlier call (`continued`) follows a
 * call that had just asked its client something, with the same tool, project, digest and approval, each question once.
 */

type Ran = Readonly<{ first: string; round: number; approval: string; digest: unknown; tool: string; project: string | undefined }>;

/** Calls whose end is not read yet, and calls that asked their clients something, at most; the oldest are forgotten. */
const most = 100_000;

/** Answers on which a call may run. */
const letRun: ReadonlySet<string> = new Set(['approved', 'granted', 'continued']);

/** One look at a log from its first file to its last. */
export class RoundCheck {
  readonly #running = new Map<string, Ran>();
  readonly #asking = new Map<string, Ran>();
  #unknown = 0;

  /** What is wrong with what a call ran on; undefined when nothing is. `fromTheStart`: false when the first files are gone. */
  flaw(entry: StoredEntry, fromTheStart: boolean): string | undefined {
    if (entry.phase === 'done') return void this.#ended(entry);
    if (entry.phase !== 'intent') return undefined;
    const { approval, verdict } = entry;
    if (approval === undefined) return verdict?.verdict === 'approve' ? 'runs a call that had to be approved, and names no approval' : undefined;
    if (!letRun.has(approval.decision)) return `runs a call after an answer that lets nothing run (${approval.decision.slice(0, 40)})`;
    const flaw = approval.decision === 'continued' ? this.#continuedFlaw(entry, fromTheStart) : undefined;
    put(this.#running, entry.id, ranOf(entry));
    return flaw;
  }

  notes(): string[] {
    return this.#unknown === 0 ? [] : [`${String(this.#unknown)} ${this.#unknown === 1 ? 'call goes' : 'calls go'} on with calls that are not in the files that are left.`];
  }

  #ended({ call = '', detail }: StoredEntry): void {
    const ran = this.#running.get(call);
    this.#running.delete(call);
    if (ran !== undefined && detail?.['inputRequired'] === true) put(this.#asking, ran.first, ran);
  }

  #continuedFlaw(entry: StoredEntry, fromTheStart: boolean): string | undefined {
    const now = ranOf(entry);
    const before = this.#asking.get(now.first);
    this.#asking.delete(now.first);
    if (before === undefined && !fromTheStart) return void (this.#unknown += 1);
    if (before === undefined || now.first === entry.id) return `goes on with the call ${now.first.slice(0, 40)}, which had not asked its client anything then`;
    if (entry.approval?.signed !== undefined || now.approval !== before.approval) return 'goes on with a call under another approval than that one ran on';
    if (now.tool !== before.tool || now.project !== before.project || now.digest !== before.digest) return 'goes on with a call as another one: tool, project or digest differ';
    return now.round === before.round + 1 ? undefined : 'goes on with a call out of turn';
  }
}

function ranOf({ id, tool, project, detail, approval }: StoredEntry): Ran {
  const { continues, round, digest } = detail ?? {};
  return { first: typeof continues === 'string' ? continues : id, round: typeof round === 'number' ? round : 1, approval: approval?.id ?? '', digest, tool, project };
}

function put<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.set(name, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
