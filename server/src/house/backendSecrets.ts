import type { Backend as Profile } from '../../../protocol/src/backends';
import { wantedByBackend } from '../../../protocol/src/configFields';
import { isCredentialName, referencePattern, referencesIn } from '../../../protocol/src/credentials';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { CredentialStore } from '../credentials/store';
import type { FillIn } from '../tools/backends/start';

/** The texts without those that nothing requires and whose credential is not there; a locked store tells nobody what is. */
function withoutAbsent(texts: Readonly<Record<string, string>>, optional: ReadonlySet<string> | undefined, there: readonly string[] | undefined): Readonly<Record<string, string>> {
  if (there === undefined || optional === undefined) return texts;
  return Object.fromEntries(Object.entries(texts).filter(([key, text]) => !optional.has(key) || referencesIn(text).every((name) => there.includes(name))));
}

/** Says what each profile names for as long as it names it, so that people see who may use a credential; call the result after each change. */
export function declaring(store: Pick<CredentialStore, 'declare'>, profiles: () => ReadonlyMap<string, Profile>): () => void {
  const declared = new Map<string, Readonly<{ names: string; takeBack(): void }>>();
  return () => {
    const wanted = new Map([...profiles()].map(([backend, profile]) => [backend, [...new Set(wantedByBackend(profile).map(({ name }) => name))].filter(isCredentialName)] as const).filter(([, names]) => names.length > 0));
    for (const [backend, { names, takeBack }] of declared) {
      if (wanted.get(backend)?.join(' ') === names) continue;
      takeBack();
      declared.delete(backend);
    }
    for (const [backend, names] of wanted) if (!declared.has(backend)) declared.set(backend, { names: names.join(' '), takeBack: store.declare(holderOf(backend), names) });
  };
}

function holderOf(backend: string): string {
  return `backend ${backend}`;
}

/**
 * Puts credentials into the texts of a backend's profile, which it declared before; each start is a use of its own in the log. `again` hears of
 * a backend that could not get what it names, once all of that is there.
 */
export function fillerOf(store: Pick<CredentialStore, 'lease' | 'names' | 'onKnown'>, again: (backend: string) => void = () => undefined): FillIn {
  const waiting = new Map<string, readonly string[]>();
  store.onKnown(() => {
    const there = waiting.size === 0 ? undefined : store.names();
    for (const [backend, names] of waiting) {
      if (there === undefined || !names.every((name) => there.includes(name))) continue;
      waiting.delete(backend);
      again(backend);
    }
  });
  return async (backend, given, optional) => {
    const texts = withoutAbsent(given, optional, store.names());
    const names = [...new Set(Object.values(texts).flatMap(referencesIn))];
    if (names.length === 0) return texts;
    try {
      const lease = await store.lease(names, holderOf(backend));
      try {
        return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.replace(referencePattern, (_, name: string) => lease.value(name).toString('utf8'))]));
      } finally {
        lease.release();
      }
    } catch (thrown) {
      waiting.set(backend, names);
      const error = toConductorError(thrown);
      // What to do goes with the words, since those are what is kept of a failed start.
      throw new ConductorError('BACKEND_UNAVAILABLE', `A credential of the server ${backend} cannot be used: ${error.message} ${error.next}`, { cause: thrown, next: error.next });
    }
  };
}
