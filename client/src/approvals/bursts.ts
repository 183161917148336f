import type { Disposable } from '../lifetime';

/** Milliseconds during which arrivals count as one burst. */
export const gatherMs = 250;
/** Least milliseconds between two notifications. */
export const quietMs = 10_000;

/** What the bursts need of the world. */
export type BurstPorts = Readonly<{
  /** Monotonic milliseconds. */
  now(): number;
  later(ms: number, action: () => void): Disposable;
  /** Tells the person, if there is a reason to; true when something was shown. */
  tell(): boolean;
}>;

/** Makes one notification of many arrivals, and never more than one in ten seconds. */
export class Bursts implements Disposable {
  private timer: Disposable | undefined;
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly ports: BurstPorts) {}

  /** Something arrived. */
  arrived(): void {
    if (this.timer !== undefined) return;
    const wait = Math.max(gatherMs, this.toldAt + quietMs - this.ports.now());
    this.timer = this.ports.later(wait, () => this.tell());
  }

  dispose(): void {
    this.timer?.dispose();
    this.timer = undefined;
  }

  private tell(): void {
    this.timer = undefined;
    if (this.ports.tell()) this.toldAt = this.ports.now();
  }
}

/** When to notify, as set in `conductor.approvals.notify`. */
export type NotifySetting = 'always' | 'whenHidden' | 'whenUnfocused' | 'never';

/** Whether a notification is due. `visible`: what waits is on the screen, as the view, a review or a list. */
export function mayNotify(setting: NotifySetting, seen: Readonly<{ focused: boolean; visible: boolean }>): boolean {
  switch (setting) {
    case 'always':
      return true;
    case 'whenHidden':
      return !(seen.focused && seen.visible);
    case 'whenUnfocused':
      return !seen.focused;
    case 'never':
      return false;
  }
}

/** Reads the setting; anything unknown counts as the default. */
export function notifySetting(value: unknown): NotifySetting {
  return value === 'always' || value === 'whenUnfocused' || value === 'never' ? value : 'whenHidden';
}
