import { sep } from 'node:path';
import type { Pending } from '../../../protocol/src/approvals';
import { after, Lifetime, type Disposable } from '../lifetime';
import { Bursts, mayNotify, type NotifySetting } from './bursts';

/** When to draw a person's attention to calls that wait: at once where the project is open, later elsewhere, and once more when nobody answers. */

/** Milliseconds after which a window that does not hold the project tells of a call, too. */
export const elsewhereMs = 20_000;

/** What attention needs of the window. */
export type AttentionPorts = Readonly<{
  setting(): NotifySetting;
  /** Milliseconds after which a call that still waits is told of once more; 0 for never. */
  remindMs(): number;
  /** Absolute paths of the folders that this window shows. */
  folders(): readonly string[];
  seen(): Readonly<{ focused: boolean; visible: boolean }>;
  waits(call: Pending): boolean;
  /** Shows one notification; `reminder` when the same calls were told of before. */
  show(kind: 'arrived' | 'reminder'): void;
  later?(ms: number, action: () => void): Disposable;
  now?(): number;
}>;

/** Decides when a notification is shown; there is at most one every ten seconds. */
export class Attention implements Disposable {
  private readonly life = new Lifetime();
  private readonly timers = new Map<string, Lifetime>();
  private readonly bursts: Bursts;
  private kind: 'arrived' | 'reminder' = 'reminder';

  constructor(private readonly ports: AttentionPorts) {
    this.bursts = this.life.add(new Bursts({ now: ports.now ?? (() => performance.now()), later: (ms, action) => this.later(ms, action), tell: () => this.tell() }));
  }

  /** Calls began to wait. */
  arrived(calls: readonly Pending[]): void {
    for (const call of calls) {
      if (holdsProject(this.ports.folders(), call.project)) this.draw('arrived');
      else this.when(call, elsewhereMs, () => this.draw('arrived'));
      const remindMs = this.ports.remindMs();
      if (remindMs > 0) this.remind(call, remindMs);
    }
  }

  /** Calls wait no longer: nobody is reminded of them. */
  gone(calls: readonly Pending[]): void {
    for (const { id } of calls) {
      this.timers.get(id)?.dispose();
      this.timers.delete(id);
    }
  }

  dispose(): void {
    this.life.dispose();
    for (const timer of this.timers.values()) timer.dispose();
    this.timers.clear();
  }

  /** What has not been told yet is told first: a reminder of it waits as long again. */
  private remind(call: Pending, ms: number): void {
    this.when(call, ms, () => (this.kind === 'arrived' ? this.remind(call, ms) : this.draw('reminder')));
  }

  private when(call: Pending, ms: number, action: () => void): void {
    const timers = this.timers.get(call.id) ?? new Lifetime();
    this.timers.set(call.id, timers);
    timers.add(this.later(ms, () => this.ports.waits(call) && action()));
  }

  private later(ms: number, action: () => void): Disposable {
    return (this.ports.later ?? after)(ms, action);
  }

  private draw(kind: 'arrived' | 'reminder'): void {
    if (kind === 'arrived') this.kind = kind;
    this.bursts.arrived();
  }

  private tell(): boolean {
    const kind = this.kind;
    this.kind = 'reminder';
    if (!mayNotify(this.ports.setting(), this.ports.seen())) return false;
    this.ports.show(kind);
    return true;
  }
}

/** Whether one of these folders is the project, lies in it, or holds it. A window without folders holds none. */
export function holdsProject(folders: readonly string[], project: string): boolean {
  return folders.some((folder) => folder === project || `${folder}${sep}`.startsWith(ended(project)) || project.startsWith(ended(folder)));
}

function ended(path: string): string {
  return path.endsWith(sep) ? path : path + sep;
}
