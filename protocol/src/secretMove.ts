import { z } from 'zod';
import { credentialNameSchema } from './credentials';

/** What a quick fix of the configuration hands to the command that moves a secret into the credential store. It says where the value stands, never what it is. */

/** The command that moves a typed secret; its one argument is a `SecretMove`. */
export const moveSecretCommand = 'conductor.credentials.move';

/** The command that sets a credential; its argument, where there is one, is the name. */
export const setCredentialCommand = 'conductor.credentials.set';

const position = z.strictObject({ line: z.number().int().min(0), character: z.number().int().min(0) });
const range = z.strictObject({ start: position, end: position });

/** A secret in a document. */
export const secretMoveSchema = z.strictObject({
  uri: z.string(),
  /** The version of the document for which the places hold. */
  version: z.number().int(),
  /** Where the value stands, without quotes. */
  value: range,
  /** Whether it stands within a JSON text, so that its escapes mean something. */
  escaped: z.boolean(),
  /** A name that would suit it. */
  name: credentialNameSchema,
  /** What is taken out where no reference may stand; absent: the reference takes the place of the value. */
  remove: z.array(range).min(1).optional(),
  /** Where the credential belongs instead; for people. */
  belongs: z.string().optional(),
});

/** A secret in a document. */
export type SecretMove = z.infer<typeof secretMoveSchema>;
