import { languages } from '../ids';

/** What the address of a review document says: the call and the bytes that the document is about. */
export type CallRef = Readonly<{ id: string; digest: string }>;

// The first part makes the manifest's file pattern give the document its language.
const pattern = new RegExp(`^/${languages.call}/(evt_[0-9A-Z]{1,40})/([0-9a-f]{64})/[^/]*$`);

/** The path of the review document of a call; its last part is the title of the tab. */
export function callPath(call: Readonly<{ id: string; digest: string; tool: string }>): string {
  const tool = call.tool.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 60);
  return `/${languages.call}/${call.id}/${call.digest}/Review ${tool}`;
}

/** Reads such a path; undefined when it is not one of ours. */
export function parseCallPath(path: string): CallRef | undefined {
  const [, id, digest] = pattern.exec(path) ?? [];
  return id === undefined || digest === undefined ? undefined : { id, digest };
}
