import { commands as editorCommands, EventEmitter } from 'vscode';
import type { BackendsState } from '../../../protocol/src/externalServers';
import type { BreakerView } from '../../../protocol/src/messages';
import type { Broker } from '../broker';
import { contextKeys } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import type { Server } from './rows';

/** What this window knows of the external servers. */
export class ServerModel implements Disposable {
  private readonly life = new Lifetime();
  private readonly changes = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.changes.event;
  private state: BackendsState | undefined;
  private breakers: readonly BreakerView[] = [];
  private stateAtMs = 0;
  private breakersAtMs = 0;
  private asking: Promise<void> | undefined;
  private stale = false;

  constructor(private readonly broker: Broker) {
    this.life.add(broker.on('backends/changed', () => void this.refresh()));
    this.life.add(
      broker.on('breakers/changed', ({ breakers }) => {
        this.breakers = breakers;
        this.breakersAtMs = Date.now();
        this.tell();
      }),
    );
    this.life.add(broker.onLink((link) => (link.kind === 'connected' ? void this.refresh() : this.forget())));
  }

  /** All of them, in the order of their file. */
  get servers(): readonly Server[] {
    return (this.state?.backends ?? []).map((view) => ({ view, breaker: this.breakers.find(({ tool }) => tool === view.backend), atMs: this.stateAtMs, breakerAtMs: this.breakersAtMs }));
  }

  /** What is wrong with their files, in sentences. */
  get troubles(): readonly string[] {
    const { problems = [], trouble = '', mode } = this.state ?? {};
    return [...problems.map(({ file, line, message }) => `${file}:${line}: ${message}`), ...(trouble === '' ? [] : [trouble]), ...(mode?.remarks ?? [])];
  }

  /** Asks the broker; of several wishes at once only one more is asked. */
  refresh(): Promise<void> {
    this.stale = true;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return this.asking;
  }

  dispose(): void {
    this.life.dispose();
  }

  private async ask(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      const [state, { breakers }] = await Promise.all([this.broker.request('backends/list', {}), this.broker.request('breakers/list', {})]).catch(() => [undefined, { breakers: [] }] as const);
      this.state = state;
      this.breakers = breakers;
      this.stateAtMs = this.breakersAtMs = Date.now();
    }
    this.tell();
  }

  private forget(): void {
    this.state = undefined;
    this.tell();
  }

  private tell(): void {
    void editorCommands.executeCommand('setContext', contextKeys.serverFiles, this.state === undefined ? 'unknown' : this.state.mode.enabled ? (this.state.problems.length > 0 ? 'broken' : 'on') : 'off');
    this.changes.fire();
  }
}
