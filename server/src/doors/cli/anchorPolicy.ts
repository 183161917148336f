import { outsideHeads, witnessKeysOf } from '../../anchors/places';
import type { Policy } from '../../audit/checkpoints/grading';
import { parseConfig } from '../../config/parse';

/** What the places outside say that a configuration names. One that cannot be used as it stands names none, which the doctor tells. */
export async function anchorsIn(config: Uint8Array, configDir: string): Promise<Policy> {
  const parsed = parseConfig(config);
  if (parsed.kind !== 'config') return {};
  const { anchors } = parsed.config.audit;
  const { heads, warnings } = await outsideHeads(anchors, configDir);
  return { witnesses: witnessKeysOf(anchors), outside: heads, warnings };
}
