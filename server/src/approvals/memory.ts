/** Remembers the latest names, to tell "has been" from "never heard of". */
export type Memory = Readonly<{ add(name: string): void; has(name: string): boolean }>;

/** Makes a memory of at most so many names; the oldest are forgotten first. */
export function createMemory(limit: number): Memory {
  const names = new Set<string>();
  return {
    add(name) {
      names.add(name);
      const [oldest] = names;
      if (names.size > limit && oldest !== undefined) names.delete(oldest);
    },
    has: (name) => names.has(name),
  };
}
