/** Values that one holder uses once. */
export type CredentialLease = Readonly<{
  names: readonly string[];
  /**
   * The value as bytes that belong to the lease: they are overwritten with zeros at the release, so copy nothing that need not be copied.
   * Throws RangeError after the release, and for a name that was not asked for.
   */
  value(name: string): Buffer;
  /** Overwrites the values. Further calls do nothing. */
  release(): void;
}>;

/** Makes a lease of values, which it owns from now on. */
export function leaseOf(values: ReadonlyMap<string, Buffer>): CredentialLease {
  let released = false;
  return {
    names: [...values.keys()],
    value(name) {
      const value = values.get(name);
      if (released || value === undefined) throw new RangeError(released ? 'a credential was used after its release' : `the credential ${name} is no part of this lease`);
      return value;
    },
    release() {
      released = true;
      for (const value of values.values()) value.fill(0);
    },
  };
}
