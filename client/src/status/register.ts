import type { Status } from '../../../protocol/src/messages';
import type { Approvals } from '../approvals/register';
import type { Audit } from '../audit/register';
import type { Breakers } from '../breakers/register';
import type { Broker } from '../broker';
import type { Credentials } from '../credentials/register';
import { commands, type CommandId } from '../ids';
import type { Lifetime } from '../lifetime';
import { StatusItem } from './item';
import { showStatusMenu } from './menu';

/** The commands of this folder. */
export type StatusCommand = Extract<CommandId, `conductor.status.${string}`>;

/** What the status item tells of. */
export type Features = Readonly<{ approvals: Approvals; audit: Audit; breakers: Breakers; credentials: Credentials }>;

/** Keeps the status item true: it is drawn after each thing that the broker or a verification tells. */
export function registerStatus(broker: Broker, { approvals, audit, breakers, credentials }: Features, life: Lifetime): Readonly<Record<StatusCommand, () => unknown>> {
  const item = life.add(new StatusItem());
  let status: Status | undefined;
  const draw = (): void => item.draw({ link: broker.link(), waiting: approvals.queue.size, again: approvals.queue.all.filter(({ again }) => again !== undefined).length, broken: audit.marks.notice(), verified: audit.marks.level(), stopped: breakers.stopped(), credentials: credentials.shut(), status });
  const know = (next: Status | undefined): void => {
    status = next;
    draw();
  };
  const ask = async (): Promise<void> => know(await broker.request('conductor/status', {}).catch(() => undefined));
  approvals.onChange(draw);
  audit.onChange(draw);
  breakers.onChange(draw);
  credentials.onChange(draw);
  life.add(broker.onLink((link) => (link.kind === 'connected' ? void ask() : know(undefined))));
  life.add(broker.on('config/changed', (config) => know(status && { ...status, config })));
  life.add(broker.on('audit/signed', (signing) => know(status && { ...status, signing })));
  life.add(broker.on('audit/appended', (health) => know(status && { ...status, audit: health })));
  draw();
  return {
    [commands.showStatus]: async () => {
      await ask();
      await showStatusMenu(broker.link(), status, { broken: audit.marks.notice(), signing: approvals.signing(), credentials: credentials.shut() });
    },
  };
}
