import type { BackendInput } from '../../../../protocol/src/backends';
import { findSecrets } from '../redaction/secretText';
import { secretUnder } from '../redaction/typedSecret';

/** A place of a profile where a secret seems to stand in clear. The value itself is never told. */
export type ClearSecret = Readonly<{ path: readonly (string | number)[]; says: string }>;

/** Finds secrets in clear among variables, headers, arguments and the address of a profile; `${secret:service.key}` is none. */
export function clearSecrets(profile: BackendInput): ClearSecret[] {
  const named = (member: 'env' | 'headers', values: Readonly<Record<string, string>> = {}): ClearSecret[] =>
    Object.entries(values).filter(([name, value]) => secretUnder(name, value) !== undefined).map(([name]) => ({ path: [member, name], says: `${name} seems to hold a secret in clear. Keep it with "conductor secrets set" and write \${secret:service.key} here.` }));
  if (profile.transport !== 'stdio') {
    const address = findSecrets(profile.url).length > 0 ? [{ path: ['url'], says: 'The address seems to hold a secret. Send it in a header with ${secret:service.key} instead.' }] : [];
    return [...named('headers', profile.headers), ...address];
  }
  const args = (profile.args ?? []).flatMap((arg, index, all) => (findSecrets(index === 0 ? arg : `${all[index - 1] ?? ''} ${arg}`).some(({ to }) => to > (index === 0 ? 0 : (all[index - 1] ?? '').length + 1)) ? [{ path: ['args', index], says: 'This argument seems to hold a secret, which every process list shows. Hand it over in a variable with ${secret:service.key}.' }] : []));
  return [...named('env', profile.env), ...args];
}
