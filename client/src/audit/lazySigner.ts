import type { Secrets } from '../credentials/logKeys';
import type { HashAt, Signer } from './signer';

/** The signer as the rest of the extension sees it: bundled on its own, and loaded when the broker first asks for a signature. */
export type LogSigner = Pick<Signer, 'answer' | 'known'>;

/** Makes a signer that is loaded when it is needed. */
export function lazySigner(secrets: Secrets, hashAt: HashAt): LogSigner {
  let loaded: Promise<Signer> | undefined;
  const load = (): Promise<Signer> => (loaded ??= import('./signer').then(({ createSigner }) => createSigner(secrets, hashAt)));
  return {
    answer: async (request) => (await load()).answer(request),
    known: async (logId) => (await load()).known(logId),
  };
}
