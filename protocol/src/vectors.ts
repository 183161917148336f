import { z } from 'zod';

/**
 * Attack vectors: calls that no policy should let through unasked, as people write them down, and what became of them against one
 * policy. The format is documented in docs/vectors.md.
 */

const threat = z.string().regex(/^T([1-9]|[1-8][0-9]|9[0-2])$/, 'Write a threat such as T6: T1 to T92.');
const program = z.string().regex(/^[A-Za-z0-9_.+-]+$/, 'Write the bare name of one program.');

const shellCall = z.strictObject({
  tool: z.literal('shell.exec'),
  command: z.string().min(1).max(200_000).describe('The command line; with `args` the name of one program.'),
  args: z.array(z.string()).max(2000).optional().describe('Arguments, taken literally.'),
  cwd: z.string().min(1).max(4096).optional().describe('Working folder of the call. Default: the project.'),
});

const fileCall = z.strictObject({
  tool: z.enum(['filesystem.read', 'filesystem.write', 'filesystem.list', 'filesystem.search', 'filesystem.delete']),
  path: z.string().max(8192).describe('The path as the agent writes it.'),
});

/** One call of an agent, with the members that the tool itself takes. Texts may hold `${HOME}`, `${PROJECT}`, `${OWN}` and `${NAME}`. */
export const vectorCallSchema = z.discriminatedUnion('tool', [shellCall, fileCall]);

/** One call of an agent. */
export type VectorCall = z.output<typeof vectorCallSchema>;

const given = z
  .strictObject({
    links: z.record(z.string(), z.string()).default({}).describe('Symbolic links: where each lies, below the project or absolute, and its target.'),
    files: z.array(z.string()).default([]).describe('Files that are there, below the project; every other name is free.'),
    hardLinks: z.array(z.string()).default([]).describe('Files below the project that have another name elsewhere.'),
    gitPrograms: z.array(z.string()).default([]).describe("Keys of the repository's own configuration that name programs."),
    gitHooks: z.boolean().default(false).describe('Whether the repository has hooks.'),
    gitRemotes: z.array(z.string()).default(['origin']).describe('Remotes that the repository knows.'),
    gitChanges: z.array(z.string()).default([]).describe('Files that a git command which changes the work tree would write.'),
    scripts: z.array(z.string()).optional().describe('Scripts of package.json. Default: any that is asked for.'),
  })
  .describe('What the project holds. Nothing of it exists on a disk.');

/** One vector. */
export const vectorSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'Write small letters, digits and single dashes.').max(80).describe('Unique among all vectors.'),
    threats: z.array(threat).min(1).max(8).describe('The threats that it belongs to; the first one decides where it is shown.'),
    title: z.string().min(8).max(160).describe('What the agent gains, in one line.'),
    call: vectorCallSchema,
    then: z.array(vectorCallSchema).max(8).default([]).describe('Further calls: the chain has succeeded only when every call ran without asking.'),
    must: z.enum(['neverSilent', 'denied']).default('neverSilent').describe('What must hold: asked or denied, or denied whatever a person might say.'),
    listed: z.array(program).max(20).default([]).describe('Programs that the attack needs in plugins.shell.allowedCommands.'),
    each: z.array(program).max(60).default([]).describe('The attack works through any of these programs; `${NAME}` in a call stands for the one that is listed.'),
    platform: z.enum(['posix', 'win32']).default('posix').describe('Whose quoting and path rules hold.'),
    given: given.prefault({}),
    choice: z
      .strictObject({ keys: z.array(z.string()).min(1).max(5).describe('Keys of config.json that open it.'), advice: z.string().min(8).max(400).describe('What to change, in one sentence.') })
      .optional()
      .describe('Present where the settings alone decide: letting it through is the choice of whoever wrote them, and is reported as exposed.'),
  })
  .describe('One way in which an agent may try to get round a policy.');

/** One vector, with every default filled in. */
export type Vector = z.output<typeof vectorSchema>;

/** A file of vectors. */
export const vectorFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    about: z.string().optional().describe('What the vectors of this file have in common.'),
    vectors: z.array(vectorSchema).max(5000),
  })
  .describe('Attack vectors for conductor policy prove.');

/**
 * What became of a vector: `held` (asked or denied, as it must be), `exposed` (silent, because the settings say so), `asks` (only asked
 * where it must be denied), `silent` (would run or write without asking).
 */
export const outcomes = ['held', 'exposed', 'asks', 'silent'] as const;

/** What became of a vector. */
export type ProofOutcome = (typeof outcomes)[number];

/** What the policy says of one call of a vector. */
export const provenCallSchema = z.strictObject({ call: z.string(), verdict: z.enum(['allow', 'approve', 'deny']), rule: z.string(), reason: z.string() });

/** One vector judged. */
export const proofSchema = z.strictObject({
  id: z.string(),
  outcome: z.enum(outcomes),
  calls: z.array(provenCallSchema),
  /** Whether the lists hold every program that the attack needs; where they do not, it was held for that alone. */
  listed: z.boolean(),
  /** Programs through which a vector with `each` is silent. */
  through: z.array(z.string()),
  /** What to change, for everything but `held`. */
  next: z.string().optional(),
});

/** One vector judged. */
export type Proof = z.output<typeof proofSchema>;

/** A file of vectors that cannot be used; lines and columns count from 1. */
export const vectorProblemSchema = z.strictObject({ file: z.string(), line: z.number().int(), column: z.number().int(), message: z.string() });

/** A place in a file of vectors that keeps it from being used. */
export type VectorProblem = z.output<typeof vectorProblemSchema>;

/** How many vectors ended in which way. */
export function tally(proofs: readonly Pick<Proof, 'outcome'>[]): Readonly<Record<ProofOutcome, number>> {
  const count = (outcome: ProofOutcome): number => proofs.filter((proof) => proof.outcome === outcome).length;
  return { held: count('held'), exposed: count('exposed'), asks: count('asks'), silent: count('silent') };
}

/** What the threats that vectors cite are about. */
const threatTitles: ReadonlyMap<string, string> = new Map([
  ['T1', 'More commands than one in a line'],
  ['T2', 'Too many commands to check'],
  ['T3', 'Text that is too long or cannot be seen'],
  ['T4', 'Only the beginning is judged'],
  ['T5', 'Programs that start other programs'],
  ['T6', 'Options and languages of ordinary programs that run, write or read something else'],
  ['T7', 'git runs what options, configuration or hooks name'],
  ['T8', 'Package managers and builders run what project files say'],
  ['T9', 'Variables that change what programs do'],
  ['T10', 'Substitutions and other expansions of a shell'],
  ['T11', 'Words that hide what they mean'],
  ['T12', 'Redirections that write or read'],
  ['T13', 'Another working folder'],
  ['T14', 'Windows shells and names'],
  ['T15', 'Other machines and containers'],
  ['T16', 'Interpreters and scripts that the agent may write'],
  ['T17', 'Programs that are not the ones they seem'],
  ['T18', 'Names that mean something to the language below'],
  ['T19', 'Patterns that never end'],
  ['T20', 'Names that only begin like a listed one'],
  ['T21', 'A weaker rule that wins over a stricter one'],
  ['T22', 'Arguments that change after the judgement'],
  ['T23', 'Folders whose names begin alike'],
  ['T24', 'Links that lead out of the project'],
  ['T25', 'Other spellings of the same name'],
  ['T26', 'One place written in many ways'],
  ['T27', 'Devices, pipes and other things that are no files'],
  ['T28', 'Temporary folders that everybody can write'],
  ['T29', 'Undoing work through links'],
  ['T30', 'Another tool than the one that is guarded'],
  ['T31', 'Files that decide what runs, before they exist'],
  ['T32', 'The rules that judge the agent'],
  ['T40', 'Our own command, used by the agent'],
  ['T70', 'Data that leaves in an address'],
  ['T77', 'Secrets in the environment'],
]);

/** What a threat is about, in a few words; an empty text for one that has none here. */
export function threatTitle(id: string): string {
  return threatTitles.get(id) ?? '';
}
