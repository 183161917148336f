import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { CredentialStore } from '../credentials/store';
import type { FillIn } from '../tools/backends/start';

/** References to the credential store in profiles, as `protocol/src/backends.ts` lets them be written. */
const reference = /\$\{secret:([A-Za-z0-9_.-]+)\}/g;

/** Puts credentials into the texts of a backend's profile. What a profile names is what its backend declares; each start is a use of its own in the log. */
export function fillerOf(store: Pick<CredentialStore, 'declare' | 'lease'>): FillIn {
  return async (backend, texts) => {
    const names = [...new Set(Object.values(texts).flatMap((text) => [...text.matchAll(reference)].map(([, name = '']) => name)))];
    if (names.length === 0) return texts;
    const holder = `backend ${backend}`;
    const takeBack = store.declare(holder, names);
    try {
      const lease = await store.lease(names, holder);
      try {
        return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.replace(reference, (_, name: string) => lease.value(name).toString('utf8'))]));
      } finally {
        lease.release();
      }
    } catch (thrown) {
      const error = toConductorError(thrown);
      throw new ConductorError('BACKEND_UNAVAILABLE', `A credential of the server ${backend} cannot be used: ${error.message}`, { cause: thrown, next: error.next });
    } finally {
      takeBack();
    }
  };
}
