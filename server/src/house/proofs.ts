import { homedir } from 'node:os';
import { ConductorError } from '../../../protocol/src/errors';
import { vectorSchema, type Proof, type Vector } from '../../../protocol/src/vectors';
import type { OpenConfig } from '../config/open';
import { loadVectors } from '../config/vectors';
import type { Handlers } from '../doors/requests';
import { proveVector } from '../rules/proof/prove';

/** Vectors judged between two looks at what else waits: calls of agents go on while a policy is proved. */
const slice = 40;

type PolicyHandlers = Pick<Handlers, 'policy/vectors' | 'policy/vector' | 'policy/prove'>;

/** Answers the messages about attack vectors: which there are, and what the configuration in force makes of them. */
export function createProofs(configDir: string, config: OpenConfig): PolicyHandlers {
  return {
    'policy/vectors': async () => {
      const { vectors, problems } = await loadVectors(configDir);
      return { vectors: vectors.map(({ id, threats, title, source, choice }) => ({ id, threats, title, source, choice: choice !== undefined })), problems: [...problems] };
    },
    'policy/vector': async ({ id }) => {
      const { vectors } = await loadVectors(configDir);
      const vector = vectors.find((one) => one.id === id);
      if (vector === undefined) throw new ConductorError('NOT_FOUND', `There is no vector "${id}".`);
      return { vector: JSON.stringify(written(vector), undefined, 2) };
    },
    'policy/prove': async ({ ids }) => {
      const { vectors, problems } = await loadVectors(configDir);
      // One policy for the whole proof, whatever is saved meanwhile.
      const { config: policy, state } = config.current();
      const ground = { config: policy, home: homedir() };
      const wanted = ids === undefined ? undefined : new Set(ids);
      const proofs: Proof[] = [];
      for (const vector of vectors.filter(({ id }) => wanted?.has(id) ?? true)) {
        proofs.push(proveVector(vector, ground));
        if (proofs.length % slice === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return { policyHash: state.policyHash, proofs, problems: [...problems] };
    },
  };
}

/** A vector as a person would write it, without what holds anyway. */
function written(vector: Vector): object {
  const { given, must, platform, ...rest } = vector;
  const plain = vectorSchema.shape.given.parse(undefined);
  const odd = Object.entries(given).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(plain[key as keyof typeof plain]));
  const members = { ...rest, source: undefined, ...(odd.length === 0 ? {} : { given: Object.fromEntries(odd) }), ...(must === 'neverSilent' ? {} : { must }), ...(platform === 'posix' ? {} : { platform }) };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => !Array.isArray(value) || value.length > 0));
}
