import { commands as editorCommands, EventEmitter } from 'vscode';
import type { CredentialState } from '../../../protocol/src/credentials';
import type { Broker } from '../broker';
import { contextKeys } from '../ids';
import { Lifetime, type Disposable } from '../lifetime';
import type { EditorKey } from './editorKey';
import { KeyProvider, type KeyStanding } from './provider';

/** What this window knows of the store: as the broker told it last, and how the key of this editor stands to it. */
export class CredentialModel implements Disposable {
  private readonly life = new Lifetime();
  private readonly changes = this.life.add(new EventEmitter<void>());
  readonly onDidChange = this.changes.event;
  readonly provider: KeyProvider;
  private told: CredentialState | undefined;

  constructor(broker: Broker, key: EditorKey) {
    this.provider = new KeyProvider(broker, key, () => this.changes.fire());
    this.life.add(broker.on('credentials/changed', (state) => this.take(state)));
    this.life.add(
      broker.onLink((link) => {
        if (link.kind !== 'connected') return this.take(undefined);
        this.provider.begin();
        broker.request('credentials/list', {}).then((state) => this.take(state), () => this.take(undefined));
      }),
    );
  }

  /** The store; undefined without a connection. */
  get state(): CredentialState | undefined {
    return this.told;
  }

  get key(): KeyStanding {
    return this.provider.stand;
  }

  /** What the broker told in an answer; news that come by themselves are taken without it. */
  take(state: CredentialState | undefined): void {
    this.told = state;
    void editorCommands.executeCommand('setContext', contextKeys.credentials, state?.state ?? 'unknown');
    if (state !== undefined) this.provider.heard(state);
    this.changes.fire();
  }

  dispose(): void {
    this.life.dispose();
  }
}
