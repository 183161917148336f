/** Follows the approver keys through a log, and checks every answer that claims to be signed: by a key that was registered then, once, in time, and for what ran. */
import { approverId, approverKeySchema, fingerprintText, keyChangeDigest, type ApproverKey, type KeyChange } from '../../../../protocol/src/approvers';
import { sha256 } from '../../../../protocol/src/audit/bytes';
import { canonicalJson } from '../../../../protocol/src/audit/canonical';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { removedMarker } from '../../../../protocol/src/audit/removed';
import { RoundCheck } from './roundCheck';
import type { ShownQuestions } from './shownQuestions';
import { factsOfResult, parseStatement, statementFits, useWithinMs, type Statement } from '../../../../protocol/src/statement';

type StoredApproval = NonNullable<StoredEntry['approval']>;

/** What a grant says of itself that its uses are held against. */
type KnownGrant = Readonly<{ project: string | undefined; ends: number; undone?: number }>;

/** Most answers of which the nonce is remembered: 2^24 would be the limit of a set. */
const mostNonces = 10_000_000;

/** One look at a log from its first file to its last. */
export class ApprovalCheck {
  readonly #keys = new Map<string, ApproverKey>();
  readonly #used = new Set<string>();
  readonly #unknown = new Set<string>();
  #signed = 0;
  #unsigned = 0;
  #passedOn = 0;
  #everAdded = false;
  #uncompared = 0;
  readonly #grants = new Map<string, KnownGrant>();
  #unknownGrants = 0;
  readonly #rounds = new RoundCheck();
  #fromTheStart: boolean;

  /** `fromTheStart`: false when files before the first one are gone, so that keys may have been registered and grants given in them. `shown`: what people were shown, where it is kept. */
  constructor(fromTheStart = true, readonly shown?: ShownQuestions) {
    this.#fromTheStart = fromTheStart;
  }

  /** What is wrong with the answer that an entry records; undefined when nothing is, or when it records none. */
  flaw(entry: StoredEntry): string | undefined {
    const { approval } = entry;
    // A log that takes the place of another goes on with the keys and grants of that one.
    if (entry.phase === 'genesis' && entry.input['previous'] !== undefined) this.#fromTheStart = false;
    const led = this.#rounds.flaw(entry, this.#fromTheStart);
    if (led !== undefined) return led;
    if (approval?.decision === 'granted' && approval.signed === undefined) return this.#grantedFlaw(entry, approval);
    // What bears a signature is checked by it, whatever it calls itself.
    const answers = approval !== undefined && (approval.decision === 'approved' || approval.decision === 'denied' || approval.signed !== undefined);
    const flaw = answers ? this.#answerFlaw(entry, approval) : undefined;
    return flaw ?? (entry.phase === 'event' && /^(?:approver|grant)\./.test(entry.tool) ? this.#changeFlaw(entry) : undefined);
  }

  /** What limits the statement, and how many answers were signed, in sentences. */
  notes(): string[] {
    const answers = this.#signed + this.#unsigned + this.#passedOn;
    return [
      ...(answers === 0 ? [] : [`${this.#signed} of ${answers} answers to approvals are signed${this.#signed === answers ? '' : '; the others came from a window or terminal without a registered key, or through an agent\'s own client'}.`]),
      ...(this.#passedOn === 0 ? [] : [`${this.#passedOn} of them ${this.#passedOn === 1 ? 'was' : 'were'} passed on by the agent's own client, the weakest level.`]),
      ...(this.#unknownGrants === 0 ? [] : [`${this.#unknownGrants} ${this.#unknownGrants === 1 ? 'call rests' : 'calls rest'} on grants that could not be checked: where they were given is not in the files that are left.`]),
      ...(this.#uncompared === 0 ? [] : [`${this.#uncompared} signed ${this.#uncompared === 1 ? 'answer' : 'answers'} could not be held against what ran: a secret was removed there, and the digest with it.`]),
      ...(this.shown?.notes() ?? []),
      ...this.#rounds.notes(),
      ...[...this.#unknown].map((id) => `Answers signed by the key ${fingerprintText(id)} could not be checked: where it was registered is not in the files that are left.`),
    ];
  }

  #answerFlaw(entry: StoredEntry, approval: StoredApproval): string | undefined {
    const claimed = approval.level === 'editor key' || approval.level === 'terminal key';
    if (approval.signed === undefined) {
      if (claimed) return `records an approval by ${approval.level} without its signature`;
      // Only the broker's own no has no level.
      if (approval.level === 'client') this.#passedOn += 1;
      else if (approval.level !== undefined || approval.decision === 'approved') this.#unsigned += 1;
      return undefined;
    }
    this.#signed += 1;
    if (isDigestRemoved(entry)) this.#uncompared += 1;
    const statement = parseStatement(approval.signed.statement);
    if (statement === undefined) return 'records a signed approval whose statement cannot be read';
    return this.#signatureFlaw(statement, approval, approval.signed) ?? this.#replayFlaw(statement) ?? timeFlaw(statement, entry, approval) ?? contentFlaw(statement, entry, approval) ?? this.shown?.flaw(statement);
  }

  #signatureFlaw({ key: id }: Statement, { level }: StoredApproval, { statement, signature }: NonNullable<StoredApproval['signed']>): string | undefined {
    const key = this.#keys.get(id);
    if (key === undefined && !this.#fromTheStart) return void this.#unknown.add(id);
    if (key === undefined) return `records an approval signed by the key ${fingerprintText(id)}, which was not registered then`;
    if (level !== `${key.place} key`) return `records an approval as of another level (${String(level).slice(0, 40)}) than that of its key`;
    return statementFits(statement, signature, key.publicKey) ? undefined : 'records an approval whose signature does not fit its statement: it was forged or changed';
  }

  #replayFlaw({ nonce, question }: Statement): string | undefined {
    if (this.#used.has(nonce) || this.#used.has(question)) return `uses the approval ${question} a second time`;
    if (this.#used.size < mostNonces) this.#used.add(nonce).add(question);
    return undefined;
  }

  /** A call that nobody was asked about rests on answers that stand in the log before it. */
  #grantedFlaw({ timestamp, project }: StoredEntry, { id }: StoredApproval): string | undefined {
    const now = Date.parse(timestamp);
    let unknown = false;
    for (const one of id.split(' ')) {
      const grant = this.#grants.get(one);
      if (grant === undefined && this.#fromTheStart) return `rests on the grant ${one.slice(0, 40)}, which nobody had given then`;
      if (grant === undefined) unknown = true;
      else if (grant.project !== project) return `rests on the grant ${one}, which was given for another project`;
      else if (now > grant.ends + useWithinMs) return `rests on the grant ${one}, which had run out`;
      else if (grant.undone !== undefined && now > grant.undone + useWithinMs) return `rests on the grant ${one}, which had been taken back`;
    }
    if (unknown) this.#unknownGrants += 1;
    return undefined;
  }

  #changeFlaw({ tool, input, approval, timestamp, project }: StoredEntry): string | undefined {
    switch (tool) {
      case 'grant.created': {
        const { id, expiresAt, ended } = input;
        for (const one of Array.isArray(ended) ? ended : []) this.#undo(one, timestamp);
        if (typeof id === 'string') this.#grants.set(id, { project, ends: typeof expiresAt === 'string' ? Date.parse(expiresAt) : Infinity });
        return undefined;
      }
      case 'grant.undone':
        return void this.#undo(input['id'], timestamp);
      case 'approver.added':
        return this.#addedFlaw(approverKeySchema.safeParse(input).data, approval);
      case 'approver.removed': {
        const key = approverKeySchema.safeParse(withoutBy(input)).data;
        if (key === undefined) return 'removes an approver key that cannot be read';
        this.#keys.delete(key.id);
        return changeApproved('approvals.removeKey', key, approval) ? undefined : 'removes an approver key without a signed approval of it';
      }
      case 'approver.reset':
        this.#keys.clear();
        this.#everAdded = false;
        return undefined;
      default:
        return undefined;
    }
  }

  #undo(id: unknown, timestamp: string): void {
    const known = typeof id === 'string' ? this.#grants.get(id) : undefined;
    if (known !== undefined) this.#grants.set(String(id), { ...known, undone: Date.parse(timestamp) });
  }

  #addedFlaw(key: ApproverKey | undefined, approval: StoredApproval | undefined): string | undefined {
    if (key === undefined || key.id !== approverId(Buffer.from(key.publicKey, 'base64'))) return 'registers an approver key that cannot be read, or under the id of another';
    const first = !this.#everAdded;
    this.#everAdded = true;
    this.#keys.set(key.id, key);
    if (key.trust !== 'first use') return changeApproved('approvals.addKey', key, approval) ? undefined : 'registers an approver key without a signed approval of it';
    return first || !this.#fromTheStart ? undefined : 'believes an approver key as the first one, although others were registered before: the list of keys was removed';
  }
}

function withoutBy({ by: _by, ...key }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return key;
}

function changeApproved(change: KeyChange, key: ApproverKey, approval: StoredApproval | undefined): boolean {
  const statement = approval?.signed === undefined ? undefined : parseStatement(approval.signed.statement);
  return approval?.decision === 'approved' && statement?.decision === 'approve' && statement.tool === change && statement.plan === keyChangeDigest(change, key);
}

function timeFlaw({ asked, expires, given }: Statement, { timestamp }: StoredEntry, { waitedMs }: StoredApproval): string | undefined {
  const end = Date.parse(expires);
  if (Date.parse(given) > end || Date.parse(asked) + waitedMs > end + 1) return 'records an approval that was given after it had expired';
  return Date.parse(timestamp) > end + useWithinMs ? 'uses an approval after it had expired' : undefined;
}

/** The statement must be about this very call: what ran, under which rules, and what was answered. */
function contentFlaw(statement: Statement, entry: StoredEntry, approval: StoredApproval): string | undefined {
  const { tool, phase, verdict, detail } = entry;
  const decision = statement.decision === 'approve' ? 'approved' : 'denied';
  if (statement.question !== approval.id || decision !== approval.decision) return 'records another answer than the one that was signed';
  if (phase === 'event') return tool === 'result.released' || tool === 'result.withheld' ? resultFlaw(statement, entry) : undefined;
  if (statement.tool !== tool) return 'records an approval that was given to another tool';
  // It stands in a detail that was too long, too.
  if (detail?.['digest'] !== `sha256:${statement.plan}` && !isDigestRemoved(entry)) return 'records an approval of something else than what ran: the digests differ';
  return verdict?.policyHash === statement.policy ? undefined : 'records an approval that was given under other rules than those that judged the call';
}

/** Where a secret was taken out of an entry, so was the digest over what it was taken from; it cannot be compared then, which is counted. */
function isDigestRemoved({ detail, removed }: StoredEntry): boolean {
  const places = removed?.parts.map(({ at }) => at) ?? [];
  return detail?.['digest'] === removedMarker && places.includes('/detail/digest') && places.length > 1;
}

/** An answer about a result must be about this result, of this call. */
function resultFlaw(statement: Statement, { tool, input, call, detail }: StoredEntry): string | undefined {
  if (statement.decision === 'approve' ? tool !== 'result.released' : tool !== 'result.withheld') return 'does with a result something else than what was answered';
  if (statement.tool !== input['tool']) return 'records an answer about the result of another tool';
  const result = detail?.['result'];
  // Entries of older versions do not say which result it was.
  if (result === undefined) return undefined;
  const fits = typeof result === 'string' && statement.plan === sha256(canonicalJson(factsOfResult(result, call ?? '')).text);
  return fits ? undefined : 'records an answer about another result, or about that of another call';
}
