import { z } from 'zod';
import { outcomes } from './proofs';

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

/** A vector as lists show it. */
export const vectorSummarySchema = z.strictObject({
  id: z.string(),
  threats: z.array(z.string()),
  title: z.string(),
  /** `shipped`, or the path of the user's own file. */
  source: z.string(),
  /** Whether settings alone decide. */
  choice: z.boolean(),
});

/** A vector as lists show it. */
export type VectorSummary = z.output<typeof vectorSummarySchema>;
