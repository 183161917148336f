import { z } from 'zod';
import { changeSchema } from './changes';

/** The arguments of a call to an external server, row by row, held against the schema that its tool published. Strings are raw, like those of the call. */

/**
 * How one argument stands to the schema: it fits; a required one is not there; the schema does not name it; it is of another kind than the
 * schema says; or that could not be told, since the schema is too deep or says nothing.
 */
export const argumentMarks = ['fits', 'missing', 'unknown', 'wrong', 'unchecked'] as const;

/** One argument, or one value inside of one. */
export const argumentRowSchema = z.strictObject({
  /** Names from the outside in, for instance `files[0].path`. */
  path: z.string(),
  /** As JSON on one line, cut where it is long; null for what is missing. The whole value stands in the action of the call. */
  value: z.string().nullable(),
  mark: z.enum(argumentMarks),
  required: z.literal(true).optional(),
  /** What the schema asks for, for instance `integer, 1 to 10`. */
  expected: z.string().optional(),
  /** What is wrong, in a sentence. */
  says: z.string().optional(),
});

/** One argument, or one value inside of one. */
export type ArgumentRow = z.infer<typeof argumentRowSchema>;

/** All arguments: those that the schema names first, in its order, then the others. */
export const callArgumentsSchema = z.strictObject({
  rows: z.array(argumentRowSchema),
  /** Rows that are left out, since there are too many: how many at least, and how many of them do not fit. */
  left: z.strictObject({ rows: z.number().int(), flawed: z.number().int() }).optional(),
  /** The last call of this tool in this project that a person approved, and what is another now; absent when none is known. No changes: the very same arguments. */
  lastApproved: z.strictObject({ /** Id of that call. */ call: z.string(), at: z.string(), changes: z.array(changeSchema) }).optional(),
});

/** All arguments of a call. */
export type CallArguments = z.infer<typeof callArgumentsSchema>;

const words = { fits: '', missing: 'MISSING ', unknown: 'UNKNOWN ', wrong: 'WRONG ', unchecked: '' } as const satisfies Record<ArgumentRow['mark'], string>;

/** One row in words, raw: whoever draws it keeps it on lines of its own. A name that is not plain stands as JSON, so that none begins like a mark of ours. */
export function argumentWords({ path, value, mark, required, expected, says }: ArgumentRow): string {
  const about = [...(required === true ? ['required'] : []), ...(expected === undefined ? [] : [expected])].join(', ');
  return `${words[mark]}${path === '' ? 'all of it' : path}${value === null ? '' : `: ${value}`}${about === '' ? '' : ` (${about})`}${says === undefined ? '' : ` ${says}`}`;
}

/** Rows that do not fit the schema. */
export function flawedRows({ rows }: Pick<CallArguments, 'rows'>): readonly ArgumentRow[] {
  return rows.filter(({ mark }) => mark !== 'fits' && mark !== 'unchecked');
}

/** What stands over the rows. */
export function argumentsHeading(all: Pick<CallArguments, 'rows'>): string {
  const flawed = flawedRows(all).length;
  return `arguments, by the schema of the tool:${flawed === 0 ? '' : ` ${String(flawed)} ${flawed === 1 ? 'does' : 'do'} not fit`}`;
}

/** What is said of the rows that are left out; undefined where none is. */
export function leftWords({ left }: CallArguments): string | undefined {
  return left === undefined ? undefined : `… and ${String(left.rows)} more${left.flawed === 0 ? '' : `, ${String(left.flawed)} of which do not fit`}: they stand in the action above`;
}

/** What is another than in the last call of this tool that was approved here, in one sentence; the changes are shown after it. */
export function sinceApproved({ at, changes }: NonNullable<CallArguments['lastApproved']>): string {
  return changes.length === 0 ? `the very arguments of the last call of this tool that was approved here (${at})` : `other than in the last call of this tool that was approved here (${at}):`;
}
