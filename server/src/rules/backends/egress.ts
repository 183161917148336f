/** Which hosts a backend may be reached at: canonical names, and addresses that belong to nobody's private network (T70). */

/** Where a connection would go, in canonical form: small letters, no final dot, addresses in their usual notation. */
export type Destination = Readonly<{ host: string; port: number; secure: boolean }>;

/** Reads an address of a backend. Undefined for what is neither http nor https, names a user, or has no host. */
export function destinationOf(url: string): Destination | undefined {
  let read: URL;
  try {
    read = new URL(url);
  } catch {
    return undefined;
  }
  const secure = read.protocol === 'https:';
  if ((!secure && read.protocol !== 'http:') || read.username !== '' || read.password !== '') return undefined;
  const host = read.hostname.replace(/\.$/, '').toLowerCase();
  return host === '' ? undefined : { host, port: read.port === '' ? (secure ? 443 : 80) : Number(read.port), secure };
}

/** Whether a list names a host and port: `host`, `host:port`, `*.domain` for every host below it, `*` for everything. */
export function isListed(list: readonly string[], { host, port }: Pick<Destination, 'host' | 'port'>): boolean {
  return list.some((entry) => {
    const [, name = '', wanted] = /^(.*?)(?::([0-9]+))?$/.exec(entry) ?? [];
    if (wanted !== undefined && Number(wanted) !== port) return false;
    return name === '*' || name === host || (name.startsWith('*.') && host.endsWith(name.slice(1)));
  });
}

/** Why an address must not be connected to; undefined when it may. A private address must be listed itself, or the host be this machine by name. */
export function addressFlaw(list: readonly string[], { host, port }: Pick<Destination, 'host' | 'port'>, address: string): string | undefined {
  if (!isPrivate(address)) return undefined;
  const literal = address.includes(':') ? `[${address}]` : address;
  // A name in the list says nothing about where it leads today; an address does, and so does the name of this machine.
  if (list.filter((entry) => !entry.startsWith('*')).some((entry) => isListed([entry], { host: literal, port }))) return undefined;
  if (isThisMachine(host) && isLoopback(address)) return undefined;
  return `${host} leads to the private address ${address}`;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function isLoopback(address: string): boolean {
  return /^127\./.test(address) || address === '::1';
}

// IANA special-purpose registries (RFC 6890): what is not meant for the whole internet.
const privateV4: readonly (readonly [base: string, bits: number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.88.99.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
];

/** Whether an address, as the system writes it, is not one of the whole internet. What cannot be read counts as private. */
export function isPrivate(address: string): boolean {
  const plain = address.replace(/%.*$/, '').toLowerCase();
  if (!plain.includes(':')) return isPrivateV4(plain);
  const groups = groupsOf(plain);
  if (groups === undefined) return true;
  const [first = 0, second = 0] = groups;
  // Global unicast is 2000::/3. Addresses that carry an IPv4 address are judged by it: mapped, 6to4, NAT64.
  const last = `${String((groups[6] ?? 0) >> 8)}.${String((groups[6] ?? 0) & 255)}.${String((groups[7] ?? 0) >> 8)}.${String((groups[7] ?? 0) & 255)}`;
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return isPrivateV4(last);
  if (first === 0x64 && second === 0xff9b) return isPrivateV4(last);
  if (first === 0x2002) return isPrivateV4(`${String(second >> 8)}.${String(second & 255)}.${String((groups[2] ?? 0) >> 8)}.${String((groups[2] ?? 0) & 255)}`);
  return (first & 0xe000) !== 0x2000 || (first === 0x2001 && (second < 0x200 || second === 0xdb8));
}

function isPrivateV4(address: string): boolean {
  const value = numberOf(address);
  return value === undefined || privateV4.some(([base, bits]) => Math.floor(value / 2 ** (32 - bits)) === Math.floor((numberOf(base) ?? 0) / 2 ** (32 - bits)));
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^[0-9]{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The eight groups of an IPv6 address; undefined for what is none. */
function groupsOf(address: string): readonly number[] | undefined {
  const mapped = /^(.*:)([0-9.]+)$/.exec(address);
  const four = mapped?.[2]?.includes('.') === true ? numberOf(mapped[2]) : undefined;
  const text = four === undefined ? address : `${mapped?.[1] ?? ''}${Math.floor(four / 65536).toString(16)}:${(four % 65536).toString(16)}`;
  const [head = '', tail, more] = text.split('::');
  if (more !== undefined) return undefined;
  const read = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));
  const [before, after] = [read(head), read(tail ?? '')];
  const missing = 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: tail === undefined ? 0 : Math.max(0, missing) }, () => '0'), ...after];
  return all.length === 8 && all.every((group) => /^[0-9a-f]{1,4}$/.test(group)) ? all.map((group) => Number.parseInt(group, 16)) : undefined;
}
