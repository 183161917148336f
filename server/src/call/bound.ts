import type { ToolCall } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { digestOfFacts, shownFacts, type Fact } from '../tools/fact';
import type { Prepared } from '../tools/tool';

/** A prepared call with all that an answer about it binds to. */
export type Bound = Readonly<{ prepared: Prepared; facts: readonly Fact[]; /** SHA-256 hex of the facts. */ digest: string; /** The configuration that judged it. */ config: Config }>;

/** The label of the fact that names the configuration by its hash. */
export const configurationLabel = 'Configuration';

/** Binds a prepared call to its tool and project, to the rule that judged it, and to the configuration of that moment (T41, T43). */
export function bind(call: Pick<ToolCall, 'tool' | 'project'>, prepared: Prepared, { config, policyHash }: Readonly<{ config: Config; policyHash: string }>): Bound {
  const { verdict, rule, reason } = prepared.verdict;
  const facts: readonly Fact[] = [
    { label: 'Tool', key: '', value: call.tool },
    { label: 'Project', key: '', value: call.project },
    { label: 'Rule', key: '', value: `${verdict}, ${rule}: ${reason}` },
    ...prepared.facts,
    { label: configurationLabel, key: '', value: `sha256:${policyHash}` },
  ];
  return { prepared, facts, digest: digestOfFacts(facts), config };
}

/** Labels whose facts a question carries in members of its own. */
const shownElsewhere: ReadonlySet<string> = new Set(['Tool', 'Project', 'Rule']);

/** Remarks and facts as a question carries them. */
export function detailsOf({ prepared, facts }: Bound): [string, string][] {
  return [...prepared.show.details, ...shownFacts(facts.filter(({ label }) => !shownElsewhere.has(label)))].map(([label, value]) => [label, value]);
}
