import type { NewEvent } from '../../../../protocol/src/audit/entry';
import type { Actor } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import type { SealedFile } from '../../base/sealedFile';
import { identityChanges, toolDigest, type LaunchIdentity, type ToolDescriptor } from '../../rules/backends/identity';
import { toolChanges, type ToolChange } from '../../rules/backends/toolChanges';
import type { PinState } from '../../rules/backends/verdict';
import type { BackendPin, PinFileBody } from './pinFile';

/** What pins need of the house. */
export type PinsNeeds = Readonly<{
  file: SealedFile<PinFileBody>;
  /** Writes an event into the log; rejects when it cannot. */
  record(event: NewEvent): Promise<unknown>;
  self: Actor;
  /** The newest generation of the file that the log names; absent where it names none. */
  newest?: number;
  now(): string;
  /** Hears that something is approved, or no longer. */
  onChange(): void;
}>;

/** What a person says yes to: exactly what was shown, by its digests. */
export type PinApproval = Readonly<{ backend: string; identity: string; tools: readonly Readonly<{ name: string; digest: string }>[] }>;

/** Keeps what people approved of external servers, and holds the rest in quarantine (T33, T55, T56). */
export class Pins {
  readonly #pins = new Map<string, BackendPin>();
  /** What is wrong with the file, in words. */
  readonly trouble: string | undefined;
  #generation: number;

  constructor(readonly needs: PinsNeeds) {
    const { file, newest = 0 } = needs;
    const found = file.read();
    const generation = found.kind === 'kept' ? found.body.generation : 0;
    this.#generation = Math.max(generation, newest);
    // A file that was put back may hold what was withdrawn since.
    const why = found.kind === 'aside' ? notOurs : generation < newest ? older(generation, newest, found.kind) : undefined;
    if (why === undefined && found.kind === 'kept') for (const [name, pin] of Object.entries(found.body.backends)) this.#pins.set(name, pin);
    if (why !== undefined) {
      const at = found.kind === 'aside' ? found.at : found.kind === 'kept' ? file.setAside().at : undefined;
      this.trouble = `${why}, so nothing of it counts and every server waits for approval.${at === undefined ? '' : ` It is kept as ${at}.`}`;
      this.#record('backend.pinsIgnored', { why: this.trouble }, 'error');
    }
    // Says where the file stands, so that an older one is known by it, also one that is put back while nothing runs.
    if (this.#generation > 0) this.#record('backend.pins.opened', { generation: this.#generation }, 'ok');
  }

  /** Whether the way to start or reach a backend is the approved one. */
  state(name: string, identity: string | undefined): PinState {
    const pin = this.#pins.get(name);
    return pin === undefined ? 'new' : pin.identity === identity ? 'approved' : 'changed';
  }

  /** What differs from the approved way, in sentences. */
  backendChanges(name: string, identity: LaunchIdentity): readonly string[] {
    const pin = this.#pins.get(name);
    return pin === undefined ? [] : identityChanges(pin.parts, identity.parts);
  }

  /** Whether a tool is described as it was when it was approved; `offered` is what the backend says of it now, undefined where it was not asked yet. */
  tool(name: string, tool: string, offered: ToolDescriptor | undefined): PinState {
    const approved = this.#pins.get(name)?.tools.find((one) => one.name === tool);
    if (approved === undefined) return 'new';
    return offered === undefined || toolDigest(approved) === toolDigest(offered) ? 'approved' : 'changed';
  }

  /** What of a backend's tools waits for approval or is gone. */
  toolChanges(name: string, offered: readonly ToolDescriptor[]): readonly ToolChange[] {
    return toolChanges(this.#pins.get(name)?.tools ?? [], offered);
  }

  /** The approved parts of how a backend is started or reached; empty when nothing is. */
  approvedParts(name: string): LaunchIdentity['parts'] {
    return this.#pins.get(name)?.parts ?? [];
  }

  /** The approved descriptions of a backend's tools. */
  approvedTools(name: string): readonly ToolDescriptor[] {
    return this.#pins.get(name)?.tools ?? [];
  }

  /**
   * Keeps a person's yes, once the log has it. Rejects with CONFLICT when what was approved is no longer what is there, and nothing is kept.
   * Another way to start drops the tools that were approved before: another program may mean other things by the same words.
   */
  async approve(approval: PinApproval, present: Readonly<{ identity: LaunchIdentity; offered: readonly ToolDescriptor[] }>, by: Actor): Promise<void> {
    const { backend, identity } = approval;
    if (identity !== present.identity.hash) throw new ConductorError('CONFLICT', `${backend} is started or reached in another way now than was shown. Look again.`);
    const tools = approval.tools.map(({ name, digest }) => {
      const offered = present.offered.find((one) => one.name === name);
      if (offered === undefined || toolDigest(offered) !== digest) throw new ConductorError('CONFLICT', `The tool ${name} of ${backend} is described in another way now than was shown. Look again.`);
      return offered;
    });
    const old = this.#pins.get(backend);
    const kept = old?.identity === identity ? old.tools.filter(({ name }) => !tools.some((tool) => tool.name === name)) : [];
    const input = { backend, identity, parts: Object.fromEntries(present.identity.parts), tools: approval.tools.map(({ name, digest }) => ({ name, digest })) };
    await this.needs.record({ phase: 'event', tool: 'backend.approved', input, result: 'ok', actor: by });
    await this.#put(backend, { identity, parts: present.identity.parts.map(([label, value]) => [label, value]), approvedAt: this.needs.now(), by: by.role, tools: [...kept, ...tools] });
  }

  /** Takes the approval of a backend back; false when there is none. */
  async withdraw(backend: string, by: Actor): Promise<boolean> {
    if (!this.#pins.has(backend)) return false;
    this.#pins.delete(backend);
    await this.#save();
    await this.needs.record({ phase: 'event', tool: 'backend.withdrawn', input: { backend }, result: 'ok', actor: by });
    return true;
  }

  #put(backend: string, pin: BackendPin): Promise<void> {
    this.#pins.set(backend, pin);
    return this.#save();
  }

  async #save(): Promise<void> {
    this.#generation += 1;
    try {
      this.needs.file.write({ v: 1, generation: this.#generation, backends: Object.fromEntries(this.#pins) });
    } finally {
      this.needs.onChange();
    }
    // After the file: a broker that dies in between leaves a file that is newer than the log knows, which is no harm.
    await this.needs.record({ phase: 'event', tool: 'backend.pins.kept', input: { generation: this.#generation }, result: 'ok', actor: this.needs.self });
  }

  #record(tool: string, input: NewEvent['input'], result: NewEvent['result']): void {
    this.needs.record({ phase: 'event', tool, input, result, actor: this.needs.self }).catch(() => undefined);
  }
}

const notOurs = 'The file of approved servers was not written by Conductor, or was changed since';

function older(generation: number, newest: number, kind: 'kept' | 'missing'): string {
  if (kind === 'missing') return 'The file of approved servers is gone, though the log says that there was one';
  return `The file of approved servers is an older one than the log knows (generation ${String(generation)}, and there was ${String(newest)})`;
}
