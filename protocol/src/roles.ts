/** What a connection may do. An agent can call tools and nothing else; only `editor` and `cli` prove the control key and decide. */
export const roles = ['agent', 'viewer', 'editor', 'cli'] as const;

/** The role that a connection states in its first message. */
export type Role = (typeof roles)[number];

/** A right that a message needs: looking, deciding (approve, reset, drain), or none of the two for an agent. */
export type Right = 'look' | 'decide';

/** The rights of each role. A viewer looks; looking needs the control key, too, since entries may be private. */
export const rightsOf: Readonly<Record<Role, ReadonlySet<Right>>> = {
  agent: new Set(),
  viewer: new Set(['look']),
  editor: new Set(['look', 'decide']),
  cli: new Set(['look', 'decide']),
};
