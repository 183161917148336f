import { keptSeed, readSeed } from './keptSeed';
import type { Secrets } from './logKeys';

const name = 'conductor.credentials';

/**
 * The key that opens the store of credentials from this editor: 32 random bytes in its secret storage and nowhere else, one for all stores.
 * It is made when a person first chooses this editor as a key slot.
 */
export class EditorKey {
  constructor(
    private readonly secrets: Secrets,
    private readonly fresh: () => Uint8Array,
    private readonly settle?: () => Promise<void>,
  ) {}

  /** The key as hex; undefined when there is none. Rejects when the storage cannot be read. */
  async kept(): Promise<string | undefined> {
    return (await readSeed(this.secrets, name))?.toString('hex');
  }

  /** The key as hex; made when there is none. Rejects when the storage does not keep it. */
  async made(): Promise<string> {
    return (await keptSeed(this.secrets, name, this.fresh, this.settle)).toString('hex');
  }
}
