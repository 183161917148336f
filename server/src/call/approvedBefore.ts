import { canonicalJson } from '../../../protocol/src/audit/canonical';
import type { CallArguments } from '../../../protocol/src/callArguments';
import { argumentRows, leavesOf } from '../rules/backends/argumentRows';
import { differences, type Difference, type Fact } from '../tools/fact';
import type { Approval } from './asking';
import { changeOf, tellAtMost } from './changes';
import type { Judged } from './judging';
import type { Rooms } from './rooms';

/** Lays out the arguments of a call to an external server, and remembers what of its tool was approved last, so that a person reads what is another now. */

/** A call that a person approved. */
export type ApprovedCall = Readonly<{ call: string; at: string; tool: string; project: string; /** Absent where the log keeps only its hash. */ input?: Readonly<Record<string, unknown>> }>;

/** The last approved call of each external tool and project. */
export type ApprovedBefore = Readonly<{
  /** Remembers an approval by a person. */
  note(judged: Judged, approval: Approval): void;
  /** The last one of this tool in this project; undefined when none is known. */
  last(judged: Judged): Promise<ApprovedCall | undefined>;
}>;

/** Tools and projects that are remembered, and bytes of arguments of each, at most. */
const most = { tools: 500, bytes: 262_144 } as const;

/** Makes the memory. What was approved before this broker is read from the log when the first such call is asked about. */
export function createApprovedBefore({ approvedInLog, wallNow }: Pick<Rooms, 'approvedInLog' | 'wallNow'>): ApprovedBefore {
  const latest = new Map<string, ApprovedCall>();
  let read: Promise<void> | undefined;
  const put = (one: ApprovedCall): void => {
    const name = nameOf(one.tool, one.project);
    latest.delete(name);
    latest.set(name, one);
    const [oldest] = latest.keys();
    if (latest.size > most.tools && oldest !== undefined) latest.delete(oldest);
  };
  const readLog = async (): Promise<void> => {
    const found = await approvedInLog().catch(() => []);
    // Newest first: of each tool the first counts, and what was noted meanwhile is newer.
    for (const one of found) if (!latest.has(nameOf(one.tool, one.project))) put(one);
  };
  return {
    note({ call, tool }, { decision, level }) {
      if (!isExternal(tool) || decision !== 'approved' || level === 'client') return;
      const fits = Buffer.byteLength(canonicalJson(call.input).text) <= most.bytes;
      put({ call: call.id, at: new Date(wallNow()).toISOString(), tool: call.tool, project: call.project, ...(fits ? { input: call.input } : {}) });
    },
    async last({ call }) {
      await (read ??= readLog());
      return latest.get(nameOf(call.tool, call.project));
    },
  };
}

/** The arguments of a call of an external tool as a person reads them; undefined for every other call. */
export async function layOut(before: ApprovedBefore, judged: Judged): Promise<CallArguments | undefined> {
  const { call, tool } = judged;
  if (!isExternal(tool)) return undefined;
  const last = await before.last(judged);
  const rows = argumentRows(call.input, tool.descriptor?.['inputSchema']);
  return { ...rows, ...(last?.input === undefined ? {} : { lastApproved: { call: last.call, at: last.at, changes: changesOf(last.input, call.input) } }) };
}

type Input = Judged['call']['input'];

function changesOf(before: Input, after: Input): NonNullable<CallArguments['lastApproved']>['changes'] {
  const found = differences(factsOf(before), factsOf(after)).filter(({ label }) => label !== 'Order');
  const left = found.length - tellAtMost.changes;
  const told = found.slice(0, tellAtMost.changes).map((one, index) => changeOf(index < compared.changes ? one : withoutTexts(one)));
  return left <= 0 ? told : [...told, { label: 'More', key: '', before: null, after: `${String(left)} more arguments differ` }];
}

/** Changes whose lines are compared, and characters of such a text, at most: comparing takes time, and the agent chooses the texts. */
const compared = { changes: 4, characters: 50_000 } as const;

function withoutTexts({ label, key, before, after }: Difference): Difference {
  const bare = ({ label: of, key: name, value }: Fact): Fact => ({ label: of, key: name, value });
  return { label, key, ...(before === undefined ? {} : { before: bare(before) }), ...(after === undefined ? {} : { after: bare(after) }) };
}

/** Texts of several lines are told by the lines that differ. */
function factsOf(input: Input): Fact[] {
  return leavesOf(input).map(({ path, value }) => ({ label: 'Argument', key: path, value: canonicalJson(value).text, ...(typeof value === 'string' && value.length <= compared.characters && value.includes('\n') ? { text: value } : {}) }));
}

function isExternal({ origin, descriptor }: Judged['tool']): boolean {
  return origin !== undefined && descriptor !== undefined;
}

function nameOf(tool: string, project: string): string {
  return JSON.stringify([tool, project]);
}
