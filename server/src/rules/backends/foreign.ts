import { backendNameSchema, backendSchema, reservedBackendNames, type BackendInput } from '../../../../protocol/src/backends';
import { clearSecrets } from './clearSecrets';
import { skeleton } from './names';

/** Servers as other programs have them in their configurations, turned into profiles. */

/** One server of another program, ready to be taken over. Secrets that stood in clear are taken out of the profile. */
export type ForeignServer = Readonly<{
  /** The name it gets here, and the one it had. */
  backend: string;
  name: string;
  profile: BackendInput;
  /** What goes into the credential store, and the names that stand for it in the profile. */
  secrets: readonly Readonly<{ credential: string; value: string }>[];
  remarks: readonly string[];
}>;

/** A server that cannot be taken over, and why. */
export type LeftOut = Readonly<{ name: string; why: string }>;

/** Turns the servers of one configuration into profiles; `taken` are names that are in use here. */
export function foreignServers(content: unknown, taken: readonly string[]): Readonly<{ servers: readonly ForeignServer[]; leftOut: readonly LeftOut[] }> {
  const names = new Set(taken.map(skeleton));
  const servers: ForeignServer[] = [];
  const leftOut: LeftOut[] = [];
  for (const [name, entry] of listed(content)) {
    const why = unusable(name, entry);
    const draft = why === undefined ? profileOf(entry) : undefined;
    const backend = freeName(name, names);
    const { profile, secrets } = draft === undefined ? { profile: undefined, secrets: [] } : withoutSecrets(backend, draft);
    const checked = backendSchema.safeParse(profile);
    if (profile === undefined || !checked.success) {
      leftOut.push({ name, why: why ?? `It does not fit: ${(checked.error?.issues ?? []).slice(0, 3).map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}` });
      continue;
    }
    names.add(skeleton(backend));
    const remarks = [...(backend === name ? [] : [`It is called ${backend} here.`]), ...clearSecrets(profile).map(({ path, says }) => `${path.join('.')}: ${says}`)];
    servers.push({ backend, name, profile, secrets, remarks });
  }
  return { servers, leftOut };
}

type Entry = Readonly<Record<string, unknown>>;

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The servers, wherever that program keeps them. */
function listed(content: unknown): (readonly [string, Entry])[] {
  if (!isEntry(content)) return [];
  const nested = isEntry(content['mcp']) ? [content['mcp']['servers']] : [];
  const projects = isEntry(content['projects']) ? Object.values(content['projects']).map((project) => (isEntry(project) ? project['mcpServers'] : undefined)) : [];
  return [content['mcpServers'], content['mcp_servers'], content['servers'], ...nested, ...projects].flatMap((servers) => (isEntry(servers) ? Object.entries(servers) : [])).flatMap(([name, entry]) => (isEntry(entry) ? [[name, entry] as const] : []));
}

function unusable(name: string, entry: Entry): string | undefined {
  if (/conductor/i.test(name) || (Array.isArray(entry['args']) && entry['args'].includes('mcp') && /conductor/.test(JSON.stringify(entry)))) return 'It is Conductor itself.';
  return /\$\{(?:input|workspaceFolder|userHome|env):?/.test(JSON.stringify(entry)) ? 'It holds ${...} that only that program fills in. Add it by hand.' : undefined;
}

function profileOf(entry: Entry): BackendInput | undefined {
  const text = (name: string): string | undefined => (typeof entry[name] === 'string' ? entry[name] : undefined);
  const command = text('command');
  const off = entry['disabled'] === true || entry['enabled'] === false ? { enabled: false } : {};
  if (command !== undefined) {
    const cwd = text('cwd');
    const args = Array.isArray(entry['args']) ? entry['args'].map(String) : [];
    return { transport: 'stdio', command, args, env: texts(entry['env']), ...(cwd === undefined ? {} : { cwd }), ...off };
  }
  const url = text('httpUrl') ?? text('url') ?? text('serverUrl');
  if (url === undefined) return undefined;
  const kind = text('type') ?? text('transport');
  const transport = kind === 'sse' || (kind === undefined && text('httpUrl') === undefined && /\/sse\/?$/.test(url)) ? 'sse' : 'http';
  const host = hostOf(url);
  return { transport, url, headers: { ...texts(entry['headers']), ...texts(entry['http_headers']) }, ...(host === undefined ? {} : { egress_allowlist: [host] }), ...off };
}

function texts(value: unknown): Record<string, string> {
  return isEntry(value) ? Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (typeof one === 'string' || typeof one === 'number' || typeof one === 'boolean' ? [[name, String(one)]] : []))) : {};
}

/** Host and port of an address, as a list of hosts names them; a project of its own for programs that cannot be read is none. */
function hostOf(url: string): string | undefined {
  const [, scheme = '', host = '', port] = /^(https?):\/\/([a-z0-9.-]+)(?::(\d+))?(?:[/?]|$)/i.exec(url) ?? [];
  return host === '' ? undefined : `${host.toLowerCase()}:${port ?? (scheme.toLowerCase() === 'https' ? '443' : '80')}`;
}

/** Moves what seems secret among variables and headers behind references. */
function withoutSecrets(backend: string, profile: BackendInput): Readonly<{ profile: BackendInput; secrets: ForeignServer['secrets'] }> {
  const secrets: { credential: string; value: string }[] = [];
  const moved = (values: Readonly<Record<string, string>> = {}, found: ReadonlySet<string>): Record<string, string> =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => {
      if (!found.has(name)) return [name, value];
      const [, scheme = '', rest = value] = /^((?:bearer|basic|token)\s+)(.+)$/is.exec(value) ?? [];
      const credential = `${backend}.${name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^-/, '_').slice(0, 64)}`;
      secrets.push({ credential, value: rest });
      return [name, `${scheme}\${secret:${credential}}`];
    }));
  const places = clearSecrets(profile).map(({ path }) => path);
  const at = (member: string): ReadonlySet<string> => new Set(places.filter(([first]) => first === member).map(([, name]) => String(name)));
  const made: BackendInput = profile.transport === 'stdio' ? { ...profile, env: moved(profile.env, at('env')) } : { ...profile, headers: moved(profile.headers, at('headers')) };
  return { profile: made, secrets };
}

/** A name that fits here and looks like no other. */
function freeName(name: string, names: ReadonlySet<string>): string {
  const plain = name.normalize('NFKD').replace(/[^A-Za-z0-9]+/g, '-').replace(/^[^A-Za-z]+|-+$/g, '').slice(0, 28).replace(/-+$/, '') || 'server';
  const fits = reservedBackendNames.includes(plain.toLowerCase()) ? `${plain}-server` : plain;
  const wanted = backendNameSchema.safeParse(name).success && fits === plain ? name : fits;
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? wanted : `${fits}-${String(number)}`;
    if (!names.has(skeleton(candidate))) return candidate;
  }
}
