/** Something that must be let go of. */
export type Disposable = { dispose(): unknown };

/** Does something after so many milliseconds, unless disposed before. */
export function after(ms: number, action: () => void): Disposable {
  const timer = setTimeout(action, ms);
  return { dispose: () => clearTimeout(timer) };
}

/** A list of things that end together, last one first. What is added after the end is ended at once. */
export class Lifetime implements Disposable {
  private readonly items: Disposable[] = [];
  private ended = false;

  /** Adds something and hands it back. */
  add<T extends Disposable>(item: T): T {
    if (this.ended) item.dispose();
    else this.items.push(item);
    return item;
  }

  /** Adds something to be done at the end. */
  onEnd(action: () => void): void {
    this.add({ dispose: action });
  }

  get isOver(): boolean {
    return this.ended;
  }

  dispose(): void {
    this.ended = true;
    for (let item = this.items.pop(); item !== undefined; item = this.items.pop()) item.dispose();
  }
}
