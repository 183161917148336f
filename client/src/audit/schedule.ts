import type { VerificationReport } from '../../../protocol/src/audit/report';
import type { Disposable } from '../lifetime';
import type { Store } from './memory';

/** Verifies by itself: soon after each connection, and from time to time. Says something only when something is wrong, and each thing once. */

/** What the schedule works with. */
export type ScheduleRoom = Readonly<{
  /** Verifies and shows the result in views; undefined when that could not be done. */
  verify(): Promise<VerificationReport | undefined>;
  /** Tells a person that something is wrong. */
  tell(report: VerificationReport): void;
  /** Minutes between two verifications; 0 for none but the first. */
  everyMinutes(): number;
  /** Does something after so many milliseconds, unless disposed before. */
  later(ms: number, action: () => void): Disposable;
  /** Remembers what was told, for other windows and after a reload. */
  store: Store;
  /** Whose log it is. */
  configDir: string;
}>;

/** Milliseconds after a connection: the views come first. */
const soonMs = 3_000;

/** One window's schedule. */
export class Schedule implements Disposable {
  private waiting: Disposable | undefined;
  private live = false;

  constructor(private readonly room: ScheduleRoom) {}

  /** The broker is there: the log is verified soon. */
  connected(): void {
    this.live = true;
    this.begin(soonMs);
  }

  /** The broker is gone. */
  disconnected(): void {
    this.live = false;
    this.waiting?.dispose();
  }

  /** How often the log is verified was changed: the time runs anew. */
  restart(): void {
    const minutes = this.room.everyMinutes();
    this.waiting?.dispose();
    if (minutes > 0 && this.live) this.begin(minutes * 60_000);
  }

  dispose(): void {
    this.disconnected();
  }

  private begin(ms: number): void {
    this.waiting?.dispose();
    this.waiting = this.room.later(ms, () => void this.run());
  }

  private async run(): Promise<void> {
    const report = await this.room.verify();
    this.restart();
    if (report !== undefined && report.class !== 'aborted') await this.judge(report);
  }

  private async judge(report: VerificationReport): Promise<void> {
    const key = `audit told ${this.room.configDir}`;
    const wrong = report.verdict === 'intact' ? undefined : findingKey(report);
    if (wrong === this.room.store.get(key)) return;
    await this.room.store.update(key, wrong);
    if (wrong !== undefined) this.room.tell(report);
  }
}

/** What tells one finding from another: a log that is damaged further is told of again. */
function findingKey({ verdict, class: kind, file, line, expected, found, findingCount }: VerificationReport): string {
  return [verdict, kind, file, line, expected, found, findingCount].map(String).join(' ');
}
