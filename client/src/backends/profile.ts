import { backendNameSchema, backendsSchema, reservedBackendNames, type BackendInput } from '../../../protocol/src/backends';

/** The profile of a server out of what a person types: nothing here asks or changes anything. */

/** Why a name cannot be that of a new server; undefined when it can. */
export function nameFlaw(name: string, taken: readonly string[]): string | undefined {
  if (taken.includes(name)) return `There is a server ${name} already. Open its configuration to change it.`;
  if (reservedBackendNames.includes(name.toLowerCase())) return 'This name belongs to Conductor itself.';
  return backendNameSchema.safeParse(name).success ? undefined : 'Write 1 to 32 letters and digits with single - or _ between them, beginning with a letter.';
}

/** A program with its arguments, or an address, and hosts with blanks or commas; the words say what is wrong. No shell ever reads it. */
export function profileFrom(name: string, goal: string, hosts: string): Readonly<{ profile: BackendInput }> | Readonly<{ flaw: string }> {
  const allowed = hosts.split(/[\s,]+/).filter((host) => host !== '');
  const profile = /^https?:\/\//i.test(goal.trim()) ? addressed(goal.trim(), allowed) : started(goal, allowed);
  if (typeof profile === 'string') return { flaw: profile };
  const parsed = backendsSchema.safeParse({ version: 1, backends: { [name]: profile } });
  return parsed.success ? { profile } : { flaw: parsed.error.issues[0]?.message ?? 'This is no profile of a server.' };
}

function addressed(url: string, hosts: readonly string[]): BackendInput | string {
  if (!URL.canParse(url)) return 'This is no address.';
  return { transport: 'http', url, egress_allowlist: hosts.length === 0 ? [new URL(url).host] : [...hosts] };
}

function started(line: string, hosts: readonly string[]): BackendInput | string {
  const [command, ...args] = wordsOf(line) ?? [];
  if (command === undefined) return 'Write a program with its arguments, or an address that begins with http:// or https://. Quotes (") hold words with blanks together, and need an end.';
  return { transport: 'stdio', command, args, egress_allowlist: [...hosts] };
}

/** Words between blanks; quotes hold blanks together, and nothing else means anything. Undefined for quotes without an end. */
function wordsOf(line: string): readonly string[] | undefined {
  if (((line.match(/"/g) ?? []).length) % 2 === 1) return undefined;
  return (line.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ''));
}
