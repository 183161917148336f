import type { Status } from '../../../protocol/src/messages';
import type { Link } from '../broker';
import { counted, plainLabel } from '../labels';
import { waitingText } from '../approvals/rows';

/** What the status item tells of. */
export type Facts = Readonly<{
  link: Link;
  waiting: number;
  /** How many of them were approved before and changed since. */
  again: number;
  /** The sentence of a broken chain; undefined when none is known. */
  broken: string | undefined;
  /** How far the last verification of the log reached; undefined before the first. */
  verified?: string | undefined;
  /** Tools that are stopped after repeated failures. */
  stopped: readonly string[];
  /** Why no credential can be used, and what opens them; undefined when nothing is wrong. */
  credentials?: Shut | undefined;
  /** The broker's last answer; undefined before the first. */
  status: Status | undefined;
}>;

/** Why the store of credentials is shut. `refused`: what lies on the disk cannot be used; otherwise it is locked. */
export type Shut = Readonly<{ reason: string; next: string; refused: boolean }>;

/** The status item: short text, one icon, at most a warning or error colour. */
export type StatusText = Readonly<{ text: string; tooltip: string; spoken: string; background: 'none' | 'warning' | 'error' }>;

/** The most urgent thing in the bar, everything that is wrong in the tooltip. In this order: a broken chain, no broker, an unwritable log, calls that wait, the configuration, credentials, stopped tools. */
export function statusText(facts: Facts): StatusText {
  const troubles = troublesOf(facts);
  const [trouble] = troubles;
  const tooltip = tooltipOf(facts, troubles);
  if (facts.waiting > 0) {
    const spoken = [waitingText(facts.waiting), againSentence(facts), trouble?.spoken].filter((part) => part !== undefined).join('. ');
    if (trouble?.background === 'error') return { text: `$(error) ${facts.waiting} pending, ${trouble.words}`, tooltip, spoken, background: 'error' };
    return { text: `$(shield) ${facts.waiting} pending${facts.again === 0 ? '' : `, ${facts.again} asked again`}`, tooltip, spoken, background: 'warning' };
  }
  if (trouble !== undefined) return { text: `${trouble.icon} Conductor: ${trouble.words}`, tooltip, spoken: trouble.spoken, background: trouble.background };
  return { text: '$(shield) Conductor', tooltip, spoken: 'Conductor: nothing waits', background: 'none' };
}

function againSentence({ again }: Facts): string | undefined {
  if (again === 0) return undefined;
  return again === 1 ? 'One of them changed after you approved it.' : `${again} of them changed after you approved them.`;
}

type Trouble = Readonly<{ icon: string; words: string; spoken: string; background: 'none' | 'warning' | 'error' }>;

function troublesOf({ link, broken, status, stopped, credentials }: Facts): Trouble[] {
  const troubles: Trouble[] = [];
  if (broken !== undefined) troubles.push({ icon: '$(error)', words: 'audit chain broken', spoken: broken, background: 'error' });
  if (link.kind !== 'connected') return [...troubles, linkTrouble(link)];
  if (status !== undefined) troubles.push(...auditTroubles(status));
  if (status !== undefined && status.config.problems.length > 0) troubles.push({ icon: '$(warning)', words: configWords(status), spoken: configText(status), background: 'warning' });
  if (credentials !== undefined) troubles.push({ icon: '$(lock)', words: credentials.refused ? 'credentials refused' : 'credentials locked', spoken: `${credentials.reason} ${credentials.next}`, background: 'warning' });
  return stopped.length === 0 ? troubles : [...troubles, stoppedTrouble(stopped)];
}

function auditTroubles({ audit }: Status): Trouble[] {
  if (audit.health === 'tampered') return [{ icon: '$(error)', words: 'audit chain broken', spoken: audit.message, background: 'error' }];
  return audit.health === 'unavailable' ? [{ icon: '$(error)', words: 'audit log unavailable', spoken: audit.message, background: 'error' }] : [];
}

function stoppedTrouble(stopped: readonly string[]): Trouble {
  const [first = ''] = stopped;
  const words = stopped.length === 1 ? `${plainLabel(first, 40)} stopped` : `${stopped.length} tools stopped`;
  return { icon: '$(zap)', words, spoken: `Stopped after repeated failures: ${stopped.map((tool) => plainLabel(tool, 40)).join(', ')}`, background: 'none' };
}

/** A file in force can have no fault but its rights: somebody else can write it, or owns it. */
function configWords({ config }: Status): string {
  return config.source === 'current' ? 'others can change the config' : 'config broken';
}

function linkTrouble(link: Link): Trouble {
  if (link.kind === 'connecting' && link.reason === undefined) return { icon: '$(loading~spin)', words: 'connecting', spoken: 'Conductor is connecting to its broker', background: 'none' };
  const reason = link.kind === 'connecting' ? link.reason : undefined;
  return { icon: '$(debug-disconnect)', words: 'not connected', spoken: `No connection to the broker, so agents can do nothing through it. ${reason ?? ''}`.trim(), background: 'warning' };
}

function tooltipOf(facts: Facts, troubles: readonly Trouble[]): string {
  const { status, link } = facts;
  const lines = [
    facts.waiting === 0 ? 'Nothing waits for you.' : `${waitingText(facts.waiting)}.`,
    againSentence(facts),
    ...troubles.map(({ spoken }) => spoken),
    link.kind === 'connected' ? `Broker ${link.version}` : undefined,
    status === undefined ? undefined : `Audit log: ${counted(status.audit.entries, 'entry', 'entries')}`,
    status === undefined ? undefined : signingText(status),
    facts.verified,
    status === undefined ? undefined : configText(status),
  ];
  return [...new Set(lines.filter((line) => line !== undefined))].join('\n');
}

/** How far the log is signed, by which kind of key, and which place outside it does not keep up. */
export function signingText({ signing, audit }: Pick<Status, 'signing' | 'audit'>): string {
  const { signedTo, place, problem, anchors } = signing;
  const level = signedTo === null ? 'The audit log is not signed yet: its chain alone detects accidents, not a full rewrite.' : `Signed to #${signedTo} of ${audit.entries}${place === 'file' ? ' with the key file, which is the weaker place' : ''}.`;
  const behind = anchors.flatMap(({ name, problem: why }) => (why === null ? [] : [`${plainLabel(name, 60)}: ${plainLabel(why, 200)}`]));
  return [level, ...(problem === null ? [] : [plainLabel(problem, 300)]), ...behind].join(' ');
}

/** Which configuration holds, in a sentence. */
export function configText({ config }: Pick<Status, 'config'>): string {
  const [problem] = config.problems;
  const place = problem === undefined ? '' : ` Line ${problem.line}: ${problem.message}`;
  switch (config.source) {
    case 'current':
      return `Configuration in force.${problem === undefined ? '' : ` ${problem.message}`}`;
    case 'lastGood':
      return `The configuration file is broken; the last good one holds.${place}`;
    case 'defaults':
      return problem === undefined ? 'No configuration file: nothing is allowed without asking.' : `The configuration file is broken; the defaults hold.${place}`;
  }
}
