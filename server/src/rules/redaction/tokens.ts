/**
 * Tokens and keys by the formats that their makers published. Unlike the guesses in `secretText.ts`, which only the log needs, these are
 * strict: what agents read of a project must not be full of holes. Nothing here takes time that an agent could stretch.
 */

import { Marks, withLowBytes } from './lowBytes';

/** A span of a text, in UTF-16 units, and the kind of token that stands there. */
export type TokenSpan = Readonly<{ from: number; to: number; kind: string }>;

/** One published format: how it begins, and what must follow in all. `pivot`: place of its rarest character, which is formats for. */
type Format = Readonly<{ kind: string; begins: readonly string[]; pivot: string; whole: RegExp; /** Its beginning may stand in base64, where `+` and `/` are letters. */ letters?: true; /** Nothing else begins so, whatever stands before it. */ anywhere?: true }>;

/** Sources: the makers' own documentation of their token formats. Each begins with one of its beginnings. */
const formats: readonly Format[] = [
  { kind: 'GitHub token', begins: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], pivot: '_', whole: /gh[pousr]_[A-Za-z0-9]{36,251}/y },
  { kind: 'GitHub token', begins: ['github_pat_'], pivot: '_', whole: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/y },
  { kind: 'GitLab token', begins: ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glagent-', 'glimt-'], pivot: '-', whole: /gl[a-z]{2,5}-[\w-]{20,64}(?:\.[\w.]{9,64})?/y },
  { kind: 'Slack token', begins: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxo-', 'xapp-'], pivot: '-', whole: /x(?:ox[abeoprs]|app)-(?:\d-)?[A-Za-z0-9]{6,}-[A-Za-z0-9-]{10,200}/y },
  { kind: 'npm token', begins: ['npm_'], pivot: '_', whole: /npm_[A-Za-z0-9]{36}/y },
  { kind: 'PyPI token', begins: ['pypi-'], pivot: '-', whole: /pypi-AgE[\w-]{50,600}/y },
  { kind: 'Stripe key', begins: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'], pivot: '_', whole: /[sr]k_(?:live|test)_[A-Za-z0-9]{16,247}/y },
  { kind: 'Stripe webhook secret', begins: ['whsec_'], pivot: '_', whole: /whsec_[A-Za-z0-9+/]{32,64}={0,2}/y },
  { kind: 'Anthropic key', begins: ['sk-ant-'], pivot: '-', whole: /sk-ant-[a-z0-9]{3,10}-[\w-]{20,200}/y },
  { kind: 'OpenAI key', begins: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'], pivot: '-', whole: /sk-(?:proj|svcacct|admin|None)-[\w-]{40,200}/y },
  { kind: 'OpenAI key', begins: ['sk-'], pivot: '-', whole: /sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48}(?![\w-])/y },
  { kind: 'OpenRouter key', begins: ['sk-or-'], pivot: '-', whole: /sk-or-v1-[0-9a-f]{64}/y },
  { kind: 'Hugging Face token', begins: ['hf_'], pivot: '_', whole: /hf_[A-Za-z]{34}/y },
  { kind: 'DigitalOcean token', begins: ['dop_v1_', 'doo_v1_', 'dor_v1_'], pivot: '_', whole: /do[opr]_v1_[0-9a-f]{64}/y },
  { kind: 'Shopify token', begins: ['shpat_', 'shpca_', 'shppa_', 'shpss_'], pivot: '_', whole: /shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}/y },
  { kind: 'Linear key', begins: ['lin_api_'], pivot: '_', whole: /lin_api_[A-Za-z0-9]{40}/y },
  { kind: 'AWS access key id', begins: ['AKIA', 'ASIA'], pivot: 'I', whole: /A[KS]IA[A-Z2-7]{16}/y, letters: true },
  { kind: 'Google API key', begins: ['AIza'], pivot: 'z', whole: /AIza[\w-]{35}/y, letters: true },
  { kind: 'Google OAuth secret', begins: ['GOCSPX-'], pivot: '-', whole: /GOCSPX-[\w-]{28}/y },
  { kind: 'SendGrid key', begins: ['SG.'], pivot: '.', whole: /SG\.[\w-]{22}\.[\w-]{43}/y },
  { kind: 'JSON Web Token', begins: ['eyJ'], pivot: 'J', whole: /eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{16,2000}/y },
  { kind: 'private key', begins: ['-----BEGIN '], pivot: 'G', whole: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\\A-Za-z0-9+/=:,.-]){64,16000}-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y, anywhere: true },
];

type Entry = Readonly<{ begins: string; at: number; format: Format }>;

/** By the three characters that end with the pivot. */
const byGram: ReadonlyMap<number, readonly Entry[]> = entriesByGram();
const gramBits = 16;
const isGram = new Uint8Array(1 << gramBits);
for (const gram of byGram.keys()) isGram[hashOf(gram)] = 1;
const pivots = new Marks(formats.map(({ pivot }) => pivot.charCodeAt(0)));

/** Characters of the shortest token. */
const shortest = 20;

/** Every token in a text, in order. A token stands at the beginning of a word and takes it whole. */
export function findTokens(text: string): readonly TokenSpan[] {
  return text.length < shortest ? none : withLowBytes(text, (bytes) => tokensIn(text, bytes));
}

function tokensIn(text: string, bytes: DataView): readonly TokenSpan[] {
  const spans: TokenSpan[] = [];
  let from = 0;
  pivots.each(bytes, text.length, (at) => {
    const gram = at < 2 ? 0 : bytes.getUint16(at - 2, true) | (bytes.getUint8(at) << 16);
    const span = isGram[hashOf(gram)] === 1 ? tokenAround(text, at, from, byGram.get(gram)) : undefined;
    if (span === undefined) return at + 1;
    spans.push(span);
    from = span.to;
    return Math.max(from, at + 1);
  });
  return spans;
}

function hashOf(gram: number): number {
  return Math.imul(gram, 0x9e3779b1) >>> (32 - gramBits);
}

const none: readonly TokenSpan[] = [];

/** Where a token begins in the last characters of a text and may go on after it; the length of the text when there is none. */
export function tokenBegunAt(text: string): number {
  const from = Math.max(0, text.length - 16_400);
  const key = text.lastIndexOf('-----BEGIN ');
  if (key >= from && !text.includes('-----END ', key)) return key;
  let word = text.length;
  while (word > from && isTokenUnit(text.charCodeAt(word - 1))) word -= 1;
  const begins = text.slice(word).search(beginning);
  return begins === -1 ? text.length : word + begins;
}

/** Letters, digits, and `+ - . / = _`. */
function isTokenUnit(unit: number): boolean {
  return (unit >= 0x2d && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a) || unit === 0x2b || unit === 0x3d || unit === 0x5f;
}

const beginning = new RegExp(formats.flatMap(({ begins }) => begins).map((begin) => begin.replace(/[.]/g, '\\.')).join('|'));

function tokenAround(text: string, at: number, from: number, entries: readonly Entry[] = []): TokenSpan | undefined {
  for (const { begins, at: place, format } of entries) {
    const start = at - place;
    if (start < from || !text.startsWith(begins, start) || !beginsWord(text, start, format)) continue;
    format.whole.lastIndex = start;
    const found = format.whole.exec(text)?.[0];
    if (found !== undefined && endsWord(text, start + found.length)) return { from: start, to: start + found.length, kind: format.kind };
  }
  return undefined;
}

/** An escape before a token, as in `\nghp_` or `%20ghp_`, is no part of its word. */
function beginsWord(text: string, at: number, { letters, anywhere }: Format): boolean {
  if (anywhere === true) return true;
  const before = text.slice(Math.max(0, at - 3), at);
  return !(letters === true ? /[\w+/-]$/ : /[\w-]$/).test(before) || /\\[nrtbfv]$|%[0-9A-Fa-f]{2}$/.test(before);
}

function endsWord(text: string, at: number): boolean {
  return !/[A-Za-z0-9]/.test(text.charAt(at));
}

function entriesByGram(): Map<number, Entry[]> {
  const map = new Map<number, Entry[]>();
  for (const format of formats) {
    for (const begins of format.begins) {
      const at = begins.indexOf(format.pivot, 2);
      const gram = begins.charCodeAt(at - 2) | (begins.charCodeAt(at - 1) << 8) | (begins.charCodeAt(at) << 16);
      map.set(gram, [...(map.get(gram) ?? []), { begins, at, format }]);
    }
  }
  return map;
}
