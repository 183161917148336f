import type { ToolCall } from '../../../protocol/src/call';
import type { Config } from '../../../protocol/src/config';
import { digestOfFacts, shownFacts, type Fact } from '../tools/fact';
import type { Prepared, Tool } from '../tools/tool';
import { pinOf } from './toolPin';

/** A prepared call with all that an answer about it binds to. */
export type Bound = Readonly<{ prepared: Prepared; facts: readonly Fact[]; /** SHA-256 hex of the facts. */ digest: string; /** The configuration that judged it, and its hash. */ config: Config; policyHash: string; /** SHA-256 hex of what the tool says of itself. */ pin: string }>;

/** The label of the fact that names the configuration by its hash. */
export const configurationLabel = 'Configuration';

/** Binds a prepared call to its tool and project, to the rule that judged it, and to the configuration of that moment (T41, T43). */
export function bind(call: Pick<ToolCall, 'project'>, tool: Tool, prepared: Prepared, { config, policyHash }: Readonly<{ config: Config; policyHash: string }>): Bound {
  const { verdict, rule, reason } = prepared.verdict;
  const pin = pinOf(tool);
  const facts: readonly Fact[] = [
    { label: 'Tool', key: '', value: `${tool.name} sha256:${pin}` },
    { label: 'Project', key: '', value: call.project },
    { label: 'Rule', key: '', value: `${verdict}, ${rule}: ${reason}` },
    ...prepared.facts,
    { label: configurationLabel, key: '', value: `sha256:${policyHash}` },
  ];
  return { prepared, facts, digest: digestOfFacts(facts), config, policyHash, pin };
}

/** Labels whose facts a question carries in members of its own. */
const shownElsewhere: ReadonlySet<string> = new Set(['Tool', 'Project', 'Rule']);

/** Remarks and facts as a question carries them. */
export function detailsOf({ prepared, facts }: Bound): [string, string][] {
  return [...prepared.show.details, ...shownFacts(facts.filter(({ label }) => !shownElsewhere.has(label)))].map(([label, value]) => [label, value]);
}
