import { reveal, revealLine } from '../../../protocol/src/display';
import type { BackendView, ImportPlan, PreflightReport } from '../../../protocol/src/externalServers';
import type { BreakerView } from '../../../protocol/src/messages';
import { clockText, counted } from '../labels';

/** The words about external servers. What they say of themselves is hostile until approved, so everything is shown harmless. */

/** A tool of a server. */
export type ServerTool = NonNullable<BackendView['tools']>[number];

/** A server with its breaker, and when each was told of in milliseconds since 1970. */
export type Server = Readonly<{ view: BackendView; breaker: BreakerView | undefined; atMs: number; breakerAtMs: number }>;

/** How a server stands, in one word for icons and menus. */
export type Standing = 'off' | 'quarantined' | 'stopped' | 'starting' | 'ready' | 'failed' | 'held';

/** How a server stands: what a person decided comes before what happens to be so. */
export function standingOf({ view, breaker }: Server): Standing {
  if (!view.enabled) return 'off';
  if (view.launch !== 'approved') return 'quarantined';
  if (breaker?.state === 'open') return 'held';
  return view.connection;
}

/** How many tools wait for approval. */
export function waitingTools({ tools }: BackendView): number {
  return (tools ?? []).filter(({ state }) => state === 'new' || state === 'changed').length;
}

/** Whether a person has to look at something of it. */
export function needsLook(server: Server): boolean {
  return server.view.enabled && (server.view.launch !== 'approved' || waitingTools(server.view) > 0);
}

/** What stands above the difference of an import: where each server comes from, what becomes of its secrets, and what is left out. */
export function importLines({ servers, leftOut }: ImportPlan): readonly string[] {
  return [
    '// These lines are not written. Each server waits for your approval before it starts;',
    '// the other programs keep theirs until you remove them there.',
    ...servers.flatMap(({ backend, program, file, credentials, remarks }) => [
      `// ${backend}: from ${program}, ${file}`,
      ...credentials.map((name) => `//   its secret goes into the credential store as ${name}`),
      ...remarks.map((remark) => `//   careful: ${remark}`),
    ]),
    ...leftOut.map((words) => `// Not taken over: ${words}`),
  ].map((line) => revealLine(line, 400));
}

/** The words of one server. */
export function serverRow(server: Server): Readonly<{ label: string; description: string; spoken: string }> {
  const label = revealLine(server.view.backend, 40);
  const waiting = waitingTools(server.view);
  // What wants a person stands first, where a narrow row does not cut it off.
  const description = [...(waiting > 0 && server.view.enabled && server.view.launch === 'approved' ? [`${counted(waiting, 'tool')} to approve`] : []), standingText(server)].join(', ');
  return { label, description, spoken: `Server ${label}: ${description}` };
}

function standingText(server: Server): string {
  const { view, breaker, breakerAtMs } = server;
  switch (standingOf(server)) {
    case 'off':
      return 'disabled';
    case 'quarantined':
      return view.launch === 'new' ? 'waits for your approval' : 'changed, waits for your approval';
    case 'held':
      return `stopped after failures${probeText(breaker, breakerAtMs)}`;
    case 'ready':
      return view.tools === null ? 'ready' : `ready, ${counted(view.tools.length, 'tool')}`;
    case 'starting':
      return 'starting';
    case 'stopped':
      return 'not started';
    case 'failed':
      return `failed: ${revealLine(view.failure, 80)}`;
  }
}

// A time of day, not a count of seconds: a row must stay true without being drawn anew every second.
function probeText(breaker: BreakerView | undefined, atMs: number): string {
  return breaker?.retryAfterMs === undefined ? '' : `, next probe at ${clockText(atMs + breaker.retryAfterMs)}`;
}

/** What is known of a server, one line each, for its rows and its tooltip. */
export function serverFacts({ view, breaker, atMs, breakerAtMs }: Server): readonly string[] {
  return [
    ...(view.description === '' ? [] : [revealLine(view.description, 300)]),
    ...view.changes.map((change) => revealLine(change, 300)),
    ...(view.failure === '' ? [] : [`Last start: ${revealLine(view.failure, 300)}`]),
    ...(view.missingEnv.length === 0 ? [] : [`Not set: ${view.missingEnv.map((name) => revealLine(name, 60)).join(', ')}`]),
    `Hosts: ${revealLine(view.egress.says, 500)}`,
    ...view.warnings.map((warning) => revealLine(warning, 300)),
    `Preflight: ${preflightText(view, atMs)}`,
    `Breaker: ${breakerText(breaker, breakerAtMs)}`,
    ...(breaker?.recent ?? []).map(({ agoMs, message }) => `Failed at ${clockText(breakerAtMs - agoMs)}: ${revealLine(message, 200)}`),
    ...(view.latencyMs === null ? [] : [`Last answer took ${view.latencyMs.toLocaleString('en-US')} ms`]),
  ];
}

function preflightText({ preflight, preflightAgeMs }: BackendView, atMs: number): string {
  const words = { passed: 'passed', never: 'never run', stale: 'outdated (too old, or changed since)', failed: 'failed' } as const;
  return preflightAgeMs === null ? words[preflight] : `${words[preflight]}, run at ${clockText(atMs - preflightAgeMs)}`;
}

function breakerText(breaker: BreakerView | undefined, atMs: number): string {
  if (breaker === undefined) return 'closed';
  const failures = `${breaker.failures} of ${counted(breaker.threshold, 'failure')}`;
  const last = breaker.lastFailure === undefined ? '' : `; last: ${revealLine(breaker.lastFailure, 200)}`;
  if (breaker.state === 'open') return `open${probeText(breaker, atMs)}${last}`;
  return breaker.state === 'halfOpen' ? `the next call is a probe${last}` : `closed, ${failures}${last}`;
}

/** The words of one tool. */
export function toolRow(tool: ServerTool): Readonly<{ label: string; description: string; spoken: string }> {
  const label = revealLine(tool.name, 60);
  const states = { approved: 'approved', new: 'new, hidden from agents until you approve it', changed: 'changed, hidden from agents until you approve it', gone: 'no longer offered' } as const;
  const doubts = tool.doubts.length === 0 ? '' : `, ${counted(tool.doubts.length, 'doubt')}`;
  return { label, description: `${tool.state === 'approved' ? '' : states[tool.state]}${doubts}`.replace(/^, /, ''), spoken: `Tool ${label}: ${states[tool.state]}${doubts}` };
}

/** More about one tool. */
export function toolLines({ wire, description, changes, doubts }: ServerTool): readonly string[] {
  return [`Agents see it as ${revealLine(wire, 130)}`, ...doubts.map((doubt) => `Careful: ${revealLine(doubt, 300)}`), ...changes.map((change) => revealLine(change, 300)), ...(description === '' ? [] : ['', reveal(description).text])];
}

/** A preflight as a document. */
export function preflightLines({ backend, ok, checks, checked_at, expires_at }: PreflightReport): readonly string[] {
  const signs = { passed: '✓', warning: '!', failed: '✗', skipped: '-' } as const;
  return [
    `Preflight of ${revealLine(backend, 60)}: ${ok ? 'passed' : 'did not pass'}`,
    `Checked at ${checked_at}${expires_at === null ? '' : `; counts until ${expires_at}`}. No tool was called.`,
    '',
    ...checks.map(({ name, status, detail, ms }) => `${signs[status]} ${name.padEnd(14)} ${status.padEnd(8)} ${ms.toFixed(1).padStart(8)} ms  ${revealLine(detail, 1000)}`),
    '',
  ];
}
