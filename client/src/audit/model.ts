import type { AuditBucket, AuditFilter, AuditPage, AuditRow } from '../../../protocol/src/audit/query';

/** Rows that one page brings, and entries of one day above which it is divided into hours. */
export const pageSize = 200;
export const hoursAbove = 500;

/** A span of time with its entries, as far as they were loaded; newest first. The same object stays for the same span. */
export type Bucket = {
  readonly kind: 'day' | 'hour';
  /** `2026-11-21` or `2026-11-21T05`, in UTC. */
  readonly key: string;
  readonly day: Bucket | undefined;
  count: number;
  rows: RowNode[] | undefined;
  /** Number to ask before for the next page; undefined when all is loaded. */
  next: number | undefined;
  /** Whether the rows begin somewhere below the newest, where something was looked for. */
  jumped: boolean;
  hours: Bucket[] | undefined;
  /** The loading under way, so that two who ask get one page. */
  loading: Promise<void> | undefined;
};

/** One entry; `copy` tells apart entries of the same number, which a damaged log may have. */
export type RowNode = { readonly kind: 'row'; readonly row: AuditRow; readonly bucket: Bucket; readonly copy: number };
/** The row that loads the next page, or the one that goes back to the newest entries. */
export type MoreNode = { readonly kind: 'more' | 'newest'; readonly bucket: Bucket };
/** A row of the tree. */
export type AuditNode = Bucket | RowNode | MoreNode;

/** Newer rows that are shown above one that was looked for. */
const rowsAbove = 20;

/** Where entries come from. */
export type Source = Readonly<{
  /** Days or hours with entries that fit, and how many; the newest first. `counting`: only the newest are counted yet, and asked again more are. */
  buckets(filter: AuditFilter, by: Bucket['kind']): Promise<Readonly<{ buckets: readonly AuditBucket[]; counting?: true | undefined }>>;
  page(filter: AuditFilter, before: number | undefined, limit: number): Promise<AuditPage>;
}>;

/** Days, hours and pages of a log of any length: only what is looked at is loaded. */
export class AuditModel {
  /** The days under the present filter; a new filter brings a new promise, so that a late answer to an old one is not shown. */
  private days: Promise<Bucket[]> | undefined;
  private chosen: AuditFilter = {};
  private counting = false;
  /** Set anew with each filter, so that counting under an old one ends. */
  private turn = {};

  /** `changed` is called when more days are known. */
  constructor(private readonly source: Source, private readonly changed: () => void = () => undefined) {}

  get filter(): AuditFilter {
    return this.chosen;
  }

  /** Whether older days than those on show are still being counted. */
  get isCounting(): boolean {
    return this.counting;
  }

  /** Starts anew with this filter. */
  show(filter: AuditFilter): void {
    this.chosen = filter;
    this.days = undefined;
    this.counting = false;
    this.turn = {};
  }

  async children(node?: AuditNode): Promise<AuditNode[]> {
    if (node === undefined) return this.allDays();
    if (!isBucket(node)) return [];
    if (node.kind === 'day' && node.count > hoursAbove) return this.hoursOf(node);
    if (node.rows === undefined) await this.loadMore(node);
    return [
      ...(node.jumped ? [{ kind: 'newest', bucket: node } as const] : []),
      ...(node.rows ?? []),
      ...(node.next === undefined ? [] : [{ kind: 'more', bucket: node } as const]),
    ];
  }

  parent(node: AuditNode): AuditNode | undefined {
    return isBucket(node) ? node.day : node.bucket;
  }

  /** The day or hour of this key among those loaded. */
  async bucket(key: unknown): Promise<Bucket | undefined> {
    const days = (await this.days) ?? [];
    return days.flatMap((day) => [day, ...(day.hours ?? [])]).find((bucket) => bucket.key === key);
  }

  /** Appends the next page of a bucket. */
  loadMore(bucket: Bucket): Promise<void> {
    return loadOnce(bucket, async () => {
      const page = await this.source.page(this.within(bucket), bucket.next, pageSize);
      append(bucket, page);
    });
  }

  /** Goes back to the newest entries of a bucket in which something was looked for. */
  async showNewest(bucket: Bucket): Promise<void> {
    await this.jump(bucket, undefined);
  }

  /** Entries were added: brings the newest bucket up to date and returns it, or undefined when the list of days itself changed. */
  async appended(): Promise<Bucket | undefined> {
    const known = this.days;
    if (known === undefined) return undefined;
    const before = await known;
    const days = await this.loadDays(before);
    if (known !== this.days) return undefined;
    this.days = Promise.resolve(days);
    const [newest] = days;
    if (newest === undefined || newest !== before[0]) return undefined;
    if (newest.hours !== undefined) newest.hours = await this.countHours(newest);
    const top = newest.hours?.[0] ?? newest;
    await loadOnce(top, () => this.renew(top));
    return newest;
  }

  /** The row of an entry, wherever it stands in its bucket; undefined when the present filter hides it. */
  async find({ id, seq, timestamp }: AuditRow): Promise<RowNode | undefined> {
    const day = (await this.children()).find((node): node is Bucket => node.kind === 'day' && node.key === timestamp.slice(0, 10));
    if (day === undefined) return undefined;
    const inside = await this.children(day);
    const bucket = inside.find((node): node is Bucket => node.kind === 'hour' && node.key === timestamp.slice(0, 13)) ?? day;
    const loaded = async (): Promise<RowNode | undefined> => (await this.children(bucket)).find((node): node is RowNode => node.kind === 'row' && node.row.id === id);
    const found = await loaded();
    // A filter counts its rows differently: a jump by number could land anywhere.
    if (found !== undefined || Object.keys(this.chosen).length > 0) return found;
    await this.jump(bucket, seq + 1 + rowsAbove);
    return loaded();
  }

  private async jump(bucket: Bucket, before: number | undefined): Promise<void> {
    await bucket.loading;
    await loadOnce(bucket, async () => {
      const page = await this.source.page(this.within(bucket), before, pageSize);
      bucket.rows = undefined;
      append(bucket, page);
      bucket.jumped = before !== undefined;
    });
  }

  private async allDays(): Promise<Bucket[]> {
    const loading = (this.days ??= this.loadDays([]));
    try {
      return await loading;
    } catch (error) {
      if (this.days === loading) this.days = undefined;
      throw error;
    }
  }

  private async hoursOf(day: Bucket): Promise<Bucket[]> {
    while (day.hours === undefined) await loadOnce(day, async () => void (day.hours = await this.countHours(day)));
    return day.hours ?? [];
  }

  private async loadDays(known: readonly Bucket[]): Promise<Bucket[]> {
    const { turn } = this;
    const { days, counting } = await this.askDays(known);
    // What is counted by now is shown at once, the rest as it comes.
    if (counting && turn === this.turn && !this.counting) void this.countOn(turn).catch(() => (turn === this.turn ? (this.counting = false) : undefined));
    return days;
  }

  /** Asks on until all days are counted, or something else is shown. */
  private async countOn(turn: object): Promise<void> {
    this.counting = true;
    while (this.counting && turn === this.turn) {
      const known = (await this.days) ?? [];
      const { days, counting } = await this.askDays(known);
      if (turn !== this.turn) return;
      this.days = Promise.resolve(days);
      this.counting = counting;
      this.changed();
    }
  }

  private async askDays(known: readonly Bucket[]): Promise<{ days: Bucket[]; counting: boolean }> {
    const { buckets, counting } = await this.source.buckets(this.chosen, 'day');
    return { days: updated(known, buckets, (key, count) => bucketOf('day', key, undefined, count)), counting: counting === true };
  }

  private async countHours(day: Bucket): Promise<Bucket[]> {
    return updated(day.hours ?? [], (await this.source.buckets(this.within(day), 'hour')).buckets, (key, count) => bucketOf('hour', key, day, count));
  }

  /** Puts new entries on top of what is loaded; a gap larger than a page drops the older rows, which can be loaded again. */
  private async renew(bucket: Bucket): Promise<void> {
    const { rows } = bucket;
    if (rows === undefined || bucket.jumped) return;
    const page = await this.source.page(this.within(bucket), undefined, pageSize);
    const newest = rows[0]?.row.seq ?? 0;
    const added = page.rows.filter((row) => row.seq > newest).map((row) => ({ kind: 'row', row, bucket, copy: 0 }) as const);
    const joined = page.next === undefined || added.length < page.rows.length;
    bucket.rows = joined ? [...added, ...rows] : added;
    if (!joined || rows.length === 0) bucket.next = page.next;
  }

  private within(bucket: Bucket): AuditFilter {
    const { since, until } = spanOf(bucket);
    const { chosen } = this;
    return {
      ...chosen,
      since: chosen.since !== undefined && chosen.since > since ? chosen.since : since,
      until: chosen.until !== undefined && chosen.until < until ? chosen.until : until,
    };
  }
}

/** A name for a row that stays the same for as long as the row means the same. */
export function nodeId(node: AuditNode): string {
  switch (node.kind) {
    case 'day':
    case 'hour':
      return `${node.kind} ${node.key}`;
    case 'row':
      return `entry ${node.row.seq} ${node.row.id}${node.copy === 0 ? '' : ` copy ${node.copy} in ${node.bucket.key}`}`;
    case 'more':
    case 'newest':
      return `${node.kind} ${node.bucket.key}`;
  }
}

/** The span of a bucket as RFC 3339 times in UTC: `since` belongs to it, `until` does not. */
export function spanOf(bucket: Bucket): { since: string; until: string } {
  const length = bucket.kind === 'day' ? 86_400_000 : 3_600_000;
  const since = bucket.kind === 'day' ? `${bucket.key}T00:00:00.000Z` : `${bucket.key}:00:00.000Z`;
  return { since, until: new Date(Date.parse(since) + length).toISOString() };
}

function bucketOf(kind: 'day' | 'hour', key: string, day: Bucket | undefined, count: number): Bucket {
  return { kind, key, day, count, rows: undefined, next: undefined, jumped: false, hours: undefined, loading: undefined };
}

/** Buckets with their present counts; those that are known stay the same objects. */
function updated(known: readonly Bucket[], counts: readonly AuditBucket[], make: (key: string, count: number) => Bucket): Bucket[] {
  const byKey = new Map(known.map((bucket) => [bucket.key, bucket]));
  return counts.map(({ key, count }) => {
    const old = byKey.get(key);
    if (old === undefined) return make(key, count);
    old.count = count;
    return old;
  });
}

function isBucket(node: AuditNode): node is Bucket {
  return node.kind === 'day' || node.kind === 'hour';
}

/** Adds a page below the rows of a bucket. */
function append(bucket: Bucket, page: AuditPage): void {
  const rows = [...(bucket.rows ?? [])];
  const seen = new Map<string, number>();
  for (const { row } of rows) seen.set(row.id, (seen.get(row.id) ?? 0) + 1);
  for (const row of page.rows) {
    const copy = seen.get(row.id) ?? 0;
    seen.set(row.id, copy + 1);
    rows.push({ kind: 'row', row, bucket, copy });
  }
  bucket.rows = rows;
  bucket.next = page.next;
}

/** Runs one loading of a bucket at a time; who comes while one is under way waits for that one. */
async function loadOnce(bucket: Bucket, load: () => Promise<void>): Promise<void> {
  bucket.loading ??= load().finally(() => (bucket.loading = undefined));
  await bucket.loading;
}
