/** Says what one line of the log tells, in words for people. Pure; values are raw and must be revealed by whoever shows them. */

/** One thing to tell: what it is, and the value as it stands in the entry. */
export type Fact = readonly [label: string, value: string];

/** What one line tells. */
export type EntryDescription = Readonly<{
  /** Number of the entry; undefined when the line tells none. */
  seq: number | undefined;
  /** Tool and what became of the call, on one line. */
  title: string;
  /** When, decision, why, who answered, outcome, who asked, where. */
  facts: readonly Fact[];
  /** The input by its members; one fact without label when only a digest is kept. */
  input: readonly Fact[];
  /** The rule that judged, for whoever leads to it. */
  rule: string | undefined;
  /** Hash of the policy that judged, 64 hex digits. */
  policyHash: string | undefined;
  /** Hash of counts that the entry names, 64 hex digits. */
  metricsHash: string | undefined;
  /** Hash of the question that was answered with a signature, 64 hex digits. */
  questionHash: string | undefined;
  /** Id of the call that the entry belongs to. */
  call: string | undefined;
}>;

type Members = Readonly<Record<string, unknown>>;

/** Describes a line, without its newline; undefined when it is not a JSON object. `local` writes a moment as the reader's clock has it. */
export function describeEntry(line: string, local: (moment: Date) => string): EntryDescription | undefined {
  const entry = membersOf(parsed(line));
  if (entry === undefined) return undefined;
  const verdict = membersOf(entry['verdict']) ?? {};
  const seq = entry['seq'];
  const rule = textOf(verdict['rule']);
  return {
    seq: typeof seq === 'number' ? seq : undefined,
    title: `${textOf(entry['tool']) ?? 'unknown tool'}: ${outcomeWord(entry)}`,
    facts: [whenFact(entry, local), ...decisionFacts(verdict), ...approvalFacts(membersOf(entry['approval'])), outcomeFact(entry), ...whoFacts(membersOf(entry['actor'])), ...placeFacts(entry)],
    input: inputFacts(entry),
    rule,
    policyHash: hashOf(verdict['policyHash']) ?? hashOf(membersOf(entry['input'])?.['policyHash']),
    metricsHash: hashOf(membersOf(entry['input'])?.['metrics']),
    questionHash: /\nshown sha256:([0-9a-f]{64})\n/.exec(textOf(membersOf(membersOf(entry['approval'])?.['signed'])?.['statement']) ?? '')?.[1],
    call: textOf(entry['call']),
  };
}

/** What an entry tells of in a word. */
function outcomeWord(entry: Members): string {
  if (entry['phase'] === 'intent') return 'started';
  if (entry['phase'] === 'genesis') return 'the log begins';
  return textOf(entry['result']) ?? 'unknown result';
}

function whenFact(entry: Members, local: (moment: Date) => string): Fact {
  const timestamp = textOf(entry['timestamp']) ?? '(no time)';
  const moment = new Date(timestamp);
  if (Number.isNaN(moment.getTime())) return ['When', timestamp];
  return ['When', `${timestamp.replace('T', ' ').replace('Z', '')} UTC, ${local(moment)} here`];
}

const decisions: Readonly<Record<string, string>> = { allow: 'Allowed without asking', approve: 'Needed the approval of a person', deny: 'Denied' };

function decisionFacts(verdict: Members): Fact[] {
  const word = textOf(verdict['verdict']);
  if (word === undefined) return [];
  const rule = textOf(verdict['rule']);
  const reason = textOf(verdict['reason']);
  return [['Decision', `${decisions[word] ?? word}${rule === undefined ? '' : `, by the rule ${rule}`}`], ...(reason === undefined ? [] : [['Why', reason] as const])];
}

function approvalFacts(approval: Members | undefined): Fact[] {
  if (approval === undefined) return [];
  const by = textOf(approval['by']) ?? 'somebody';
  const user = textOf(approval['user']);
  const window = textOf(approval['window']);
  const waited = approval['waitedMs'];
  const after = typeof waited === 'number' ? ` after ${secondsText(waited)}` : '';
  const reason = textOf(approval['reason']);
  const who = [by, user === undefined ? undefined : `user ${user}`, window === undefined ? undefined : `window ${window}`].filter((part) => part !== undefined).join(', ');
  return [['Answered', `${textOf(approval['decision']) ?? 'unknown'} by ${who}${after}`], ...(reason === undefined ? [] : [['Their reason', reason] as const])];
}

function outcomeFact(entry: Members): Fact {
  const took = entry['durationMs'];
  return ['Outcome', `${outcomeWord(entry)}${typeof took === 'number' ? ` in ${secondsText(took)}` : ''}`];
}

function whoFacts(actor: Members | undefined): Fact[] {
  if (actor === undefined) return [];
  const client = textOf(actor['client']);
  const connection = actor['connection'];
  const window = textOf(actor['window']);
  const own = actor['role'] === 'agent' ? ' (its own words)' : '';
  const who = [textOf(actor['role']) ?? 'somebody', client === undefined ? undefined : `${client}${own}`, typeof connection === 'number' ? `connection ${connection}` : undefined, window === undefined ? undefined : `window ${window}`];
  return [['Who', who.filter((part) => part !== undefined).join(', ')], ...(textOf(actor['user']) === undefined ? [] : [['User', textOf(actor['user']) ?? ''] as const])];
}

function placeFacts(entry: Members): Fact[] {
  const output = membersOf(entry['output']);
  const bytes = output?.['bytes'];
  const digest = textOf(output?.['sha256']);
  const detail = membersOf(entry['detail']);
  return [
    ...fact('Project', textOf(entry['project'])),
    ...(output === undefined ? [] : [['Output', `${typeof bytes === 'number' ? `${bytes.toLocaleString('en-US')} bytes` : 'unknown size'}; the log keeps its digest only`] as const]),
    ...fact('Output digest', digest),
    ...Object.entries(detail ?? {}).map(([name, value]): Fact => [`Detail: ${name}`, valueText(value)]),
    ...fact('Call', textOf(entry['call'])),
    ...fact('Entry', textOf(entry['id'])),
  ];
}

function inputFacts(entry: Members): Fact[] {
  const input = membersOf(entry['input']);
  if (input === undefined) return [];
  const digest = textOf(input['$sha256']);
  if (digest !== undefined && digest === entry['inputHash']) {
    const bytes = input['bytes'];
    const size = typeof bytes === 'number' ? `${bytes.toLocaleString('en-US')} bytes, ` : '';
    return [['', `Not kept, its digest only: ${size}${digest}. ${entry['phase'] === 'done' ? 'The entry of the decision may hold it.' : 'It was too large for the log.'}`]];
  }
  return Object.entries(input).map(([name, value]): Fact => [name, valueText(value)]);
}

function fact(label: string, value: string | undefined): Fact[] {
  return value === undefined ? [] : [[label, value]];
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '');
}

function secondsText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function hashOf(value: unknown): string | undefined {
  return typeof value === 'string' ? /^(?:sha256:)?([0-9a-f]{64})$/.exec(value)?.[1] : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
