/** Who wants to hear of something, told outside of the work that it is about, so that their mistakes are not taken for a failed disk. */
export class News<T> {
  readonly #listeners = new Set<(news: T) => void>();

  /** Calls back with each piece of news; gives the function that stops it. */
  on(listener: (news: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody; what there is to tell is only made when somebody listens. */
  tell(make: () => T): void {
    if (this.#listeners.size === 0) return;
    const news = make();
    for (const listener of this.#listeners) queueMicrotask(() => listener(news));
  }
}
