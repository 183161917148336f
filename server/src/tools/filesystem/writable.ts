import { sep } from 'node:path';
import { readWriteScope, refuseOutOfScope } from '../../rules/writeScope';
import type { Verdict } from '../../../../protocol/src/call';
import type { PrepareContext } from '../tool';

/** The refusal of a change at one of these resolved places, when a write scope is set and one of them is not in it; else undefined. */
export function scopeRefusal(context: Pick<PrepareContext, 'project' | 'config'>, places: Iterable<string>): Verdict | undefined {
  const patterns = context.config.plugins.filesystem.writeScope;
  if (patterns.length === 0) return undefined;
  const scope = readWriteScope(patterns);
  for (const place of places) {
    // A scope speaks of the project: nothing outside of it is in it.
    const names = place.startsWith(context.project + sep) ? place.slice(context.project.length).split(sep).filter((name) => name !== '') : undefined;
    if (names === undefined || !scope(names)) return refuseOutOfScope(place);
  }
  return undefined;
}
