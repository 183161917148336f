import type { Backend as Profile } from '../../../protocol/src/backends';
import { isCredentialName } from '../../../protocol/src/credentials';
import { ConductorError, toConductorError } from '../../../protocol/src/errors';
import type { CredentialStore } from '../credentials/store';
import type { FillIn } from '../tools/backends/start';

/** References to the credential store in profiles, as `protocol/src/backends.ts` lets them be written. */
const reference = /\$\{secret:([A-Za-z0-9_.-]+)\}/g;

/** Where a profile names a credential: the place is a variable or a header. */
export type Wanted = Readonly<{ name: string; place: string }>;

/** The credentials that a profile names, in the order of the profile. */
export function wantedBy(profile: Profile): readonly Wanted[] {
  const [kind, texts] = profile.transport === 'stdio' ? (['variable', profile.env] as const) : (['header', profile.headers] as const);
  return Object.entries(texts).flatMap(([label, text]) => namesIn(text).map((name) => ({ name, place: `${kind} ${label}` })));
}

/** Says what each profile names for as long as it names it, so that people see who may use a credential; call the result after each change. */
export function declaring(store: Pick<CredentialStore, 'declare'>, profiles: () => ReadonlyMap<string, Profile>): () => void {
  const declared = new Map<string, Readonly<{ names: string; takeBack(): void }>>();
  return () => {
    const wanted = new Map([...profiles()].map(([backend, profile]) => [backend, [...new Set(wantedBy(profile).map(({ name }) => name))].filter(isCredentialName)] as const).filter(([, names]) => names.length > 0));
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

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(reference)].map(([, name = '']) => name);
}

/** Puts credentials into the texts of a backend's profile, which it declared before; each start is a use of its own in the log. */
export function fillerOf(store: Pick<CredentialStore, 'lease'>): FillIn {
  return async (backend, texts) => {
    const names = [...new Set(Object.values(texts).flatMap(namesIn))];
    if (names.length === 0) return texts;
    try {
      const lease = await store.lease(names, holderOf(backend));
      try {
        return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, text.replace(reference, (_, name: string) => lease.value(name).toString('utf8'))]));
      } finally {
        lease.release();
      }
    } catch (thrown) {
      const error = toConductorError(thrown);
      throw new ConductorError('BACKEND_UNAVAILABLE', `A credential of the server ${backend} cannot be used: ${error.message}`, { cause: thrown, next: error.next });
    }
  };
}
