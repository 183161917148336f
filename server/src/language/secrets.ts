import type { CompletionItem, Hover } from 'vscode-json-languageservice';
import { getLocation } from 'jsonc-parser';
import { isCredentialName, type CredentialState, type CredentialView } from '../../../protocol/src/credentials';
import { closest } from '../config/closest';
import { createLocator, pathText, type Finding, type Span } from '../config/finding';
import { parseJsonc } from '../config/jsonc';
import { references, typedSecrets, type Path, type Reference, type SecretRules, type TypedSecret } from './secretPlaces';

/** What is said of secrets in files of the configuration: what is typed in clear, what refers to nothing, and the names that there are. Never a value. */

/** The names that there are, and whether they can be known. */
export type CredentialNames = Pick<CredentialState, 'state' | 'message'> & Readonly<{ credentials: readonly CredentialView[] }>;

/** What can be done about a finding in the editor: move what is typed, or set what is missing. */
export type Remedy = Readonly<{ kind: 'move'; secret: TypedSecret; belongs: string | undefined }> | Readonly<{ kind: 'set'; name: string }>;

/** A finding about a secret. */
export type SecretFinding = Finding & Readonly<{ remedy?: Remedy }>;

/** Finds secrets in clear and references to nothing; says nothing while the syntax is wrong. `code`: of a secret in clear. */
export function secretFindings(text: string, rules: SecretRules, code: string, names: CredentialNames | undefined): SecretFinding[] {
  const { root, problems } = parseJsonc(text);
  if (root === undefined || problems.some((problem) => problem.code === 'config.syntax')) return [];
  const locate = createLocator(text);
  const at = (span: Span, path: Path): Pick<Finding, 'path' | 'line' | 'column' | 'offset' | 'length'> => ({ path: pathText(path), ...locate(span.offset), ...span });
  const clear = typedSecrets(text, root, rules).map((secret): SecretFinding => {
    const belongs = secret.place === 'elsewhere' ? rules.belongs(secret.path) : undefined;
    const refused = secret.place === 'reference' ? rules.refused : undefined;
    return { code, severity: refused === undefined ? 'warning' : 'error', message: `${clearMessage(secret, belongs)}${refused === undefined ? '' : ` ${refused}`}`, ...at(secret.mark, secret.path), remedy: { kind: 'move', secret, belongs } };
  });
  return [...clear, ...referenceFindings(references(text, root, rules), names, at)];
}

function clearMessage({ place }: TypedSecret, belongs: string | undefined): string {
  const instead = place === 'reference' ? 'Keep it in the credential store and write ${secret:service.key} here' : 'Keep it in the credential store';
  return `This looks like a secret in clear. ${instead}, and change it where it was issued: others may have read it here.${belongs === undefined ? '' : ` ${belongs}`}`;
}

function referenceFindings(found: readonly Reference[], names: CredentialNames | undefined, at: (span: Span, path: Path) => Pick<Finding, 'path' | 'line' | 'column' | 'offset' | 'length'>): SecretFinding[] {
  const literal = found.filter(({ read }) => !read).map(({ span, path }): SecretFinding => ({ code: 'credentials.notRead', severity: 'warning', message: 'No reference is read here: this text is taken as it stands.', ...at(span, path) }));
  const read = found.filter((one) => one.read && isCredentialName(one.name));
  const [first] = read;
  if (names === undefined || first === undefined) return literal;
  if (names.state === 'locked' || names.state === 'refused') {
    const message = names.state === 'locked' ? 'The credentials are locked, so that nobody can say here whether this one is set.' : 'The credentials cannot be used, so that nobody can say here whether this one is set.';
    return [...literal, { code: 'credentials.unknown', severity: 'information', message, ...at(first.span, first.path) }];
  }
  const known = names.credentials.map(({ name }) => name);
  return [...literal, ...read.filter(({ name }) => !known.includes(name)).map(({ name, span, path }): SecretFinding => {
    const near = closest(name, known);
    const fix = near === undefined ? {} : { fix: { title: `Change to ${near}`, ...span, newText: `\${secret:${near}}` } };
    return { code: 'credentials.missing', severity: 'warning', message: `There is no credential ${name}, so what needs it fails.${near === undefined ? '' : ` Did you mean ${near}?`}`, ...at(span, path), remedy: { kind: 'set', name }, ...fix };
  })];
}

/** The names that can stand at a place within a JSON text, with the span that each takes the place of; undefined where no reference is read. */
export function referencesAt(text: string, offset: number, rules: SecretRules, names: CredentialNames | undefined): Readonly<{ span: Span; items: readonly Pick<CompletionItem, 'label' | 'detail' | 'filterText'>[] }> | undefined {
  const place = textAround(text, offset);
  if (place === undefined || names === undefined || !rules.readsReference(place.path)) return undefined;
  const before = /\$(?:\{[A-Za-z0-9_.:-]*)?$/.exec(text.slice(place.from, offset))?.[0];
  if (before === undefined && place.to > place.from) return undefined;
  const after = /^[A-Za-z0-9_.-]*\}?/.exec(text.slice(offset, place.to))?.[0] ?? '';
  const span = { offset: offset - (before ?? '').length, length: (before ?? '').length + after.length };
  return { span, items: names.credentials.map(({ name, changedAt }) => ({ label: `\${secret:${name}}`, filterText: `\${secret:${name}}`, detail: `set ${ageOf(changedAt)}` })) };
}

/** What is known of the reference at a place. */
export function referenceHover(text: string, offset: number, rules: SecretRules, names: CredentialNames | undefined): Readonly<{ span: Span; contents: Hover['contents'] }> | undefined {
  const { root } = parseJsonc(text);
  const found = root === undefined ? undefined : references(text, root, rules).find(({ span }) => offset >= span.offset && offset <= span.offset + span.length);
  if (found === undefined || names === undefined) return undefined;
  return { span: found.span, contents: { kind: 'plaintext', value: hoverLines(found, names).join('\n') } };
}

function hoverLines({ name, read }: Reference, { state, credentials }: CredentialNames): string[] {
  const known = credentials.find((one) => one.name === name);
  if (state === 'locked' || state === 'refused') return [`Credential ${name}`, state === 'locked' ? 'The credentials are locked.' : 'The credentials cannot be used.'];
  if (known === undefined) return [`Credential ${name}`, 'It is not set.'];
  const { changedAt, lastUsedAt, usableBy, trouble } = known;
  return [`Credential ${name}`, `Value since ${changedAt.slice(0, 10)} (${ageOf(changedAt)})`, `Last used: ${lastUsedAt?.slice(0, 10) ?? 'never'}`, `May be used by: ${usableBy.join(', ') || 'nothing that is configured'}`, ...(trouble === null ? [] : ['It cannot be read.']), ...(read ? [] : ['No reference is read at this place.'])];
}

function ageOf(moment: string): string {
  const days = Math.floor((Date.now() - Date.parse(moment)) / 86_400_000);
  return days < 1 ? 'today' : days === 1 ? 'yesterday' : `${String(days)} days ago`;
}

/** The JSON text, not a key, in which an offset lies; from and to without quotes. Works while the file is not whole. */
function textAround(text: string, offset: number): Readonly<{ path: Path; from: number; to: number }> | undefined {
  const { path, previousNode, isAtPropertyKey } = getLocation(text, offset);
  if (isAtPropertyKey || previousNode?.type !== 'string') return undefined;
  const from = previousNode.offset + 1;
  const closed = text[previousNode.offset + previousNode.length - 1] === '"' && previousNode.length > 1;
  const to = previousNode.offset + previousNode.length - (closed ? 1 : 0);
  return offset < from || offset > to ? undefined : { path, from, to };
}
