/** References to the credential store in what an agent sends. They are never filled in there: only profiles of servers name credentials. */

const reference = /\$\{secret:[A-Za-z0-9_.-]{1,200}\}/;

/** The first reference in a text; undefined where there is none. */
export function secretReference(text: string): string | undefined {
  return reference.exec(text)?.[0];
}
