/**
 * Tokens and keys by the formats that their makers published. Unlike the guesses in `secretText.ts`, which only the log needs, these are
 * strict: what agents read of a project must not be full of holes. Nothing here takes time that an agent could stretch.
 */

import { gramAt, Stops, withLowBytes } from './lowBytes';

/** A span of a text, in UTF-16 units, and the kind of token that stands there. */
export type TokenSpan = Readonly<{ from: number; to: number; kind: string }>;

/** One published format: how it begins, and what must follow in all. */
type Format = Readonly<{ kind: string; begins: readonly string[]; whole: RegExp; /** Its beginning may stand in base64, where `+` and `/` are letters. */ letters?: true; /** Nothing else begins so, whatever stands before it. */ anywhere?: true }>;

/** Sources: the makers' own documentation of their token formats. Each begins with one of its beginnings. */
const formats: readonly Format[] = [
  { kind: 'GitHub token', begins: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], whole: /gh[pousr]_[A-Za-z0-9]{36,251}/y },
  { kind: 'GitHub token', begins: ['github_pat_'], whole: /github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}/y },
  { kind: 'GitLab token', begins: ['glpat-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glsoat-', 'glagent-', 'glimt-'], whole: /gl[a-z]{2,5}-[\w-]{20,64}(?:\.[\w.]{9,64})?/y },
  { kind: 'Slack token', begins: ['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xoxo-', 'xapp-'], whole: /x(?:ox[abeoprs]|app)-(?:\d-)?[A-Za-z0-9]{6,}-[A-Za-z0-9-]{10,200}/y },
  { kind: 'npm token', begins: ['npm_'], whole: /npm_[A-Za-z0-9]{36}/y },
  { kind: 'PyPI token', begins: ['pypi-'], whole: /pypi-AgE[\w-]{50,600}/y },
  { kind: 'Stripe key', begins: ['sk_live_', 'sk_test_', 'rk_live_', 'rk_test_'], whole: /[sr]k_(?:live|test)_[A-Za-z0-9]{16,247}/y },
  { kind: 'Stripe webhook secret', begins: ['whsec_'], whole: /whsec_[A-Za-z0-9+/]{32,64}={0,2}/y },
  { kind: 'Anthropic key', begins: ['sk-ant-'], whole: /sk-ant-[a-z0-9]{3,10}-[\w-]{20,200}/y },
  { kind: 'OpenAI key', begins: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-None-'], whole: /sk-(?:proj|svcacct|admin|None)-[\w-]{40,200}/y },
  { kind: 'OpenAI key', begins: ['sk-'], whole: /sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48}(?![\w-])/y },
  { kind: 'OpenRouter key', begins: ['sk-or-'], whole: /sk-or-v1-[0-9a-f]{64}/y },
  { kind: 'Hugging Face token', begins: ['hf_'], whole: /hf_[A-Za-z]{34}/y },
  { kind: 'DigitalOcean token', begins: ['dop_v1_', 'doo_v1_', 'dor_v1_'], whole: /do[opr]_v1_[0-9a-f]{64}/y },
  { kind: 'Shopify token', begins: ['shpat_', 'shpca_', 'shppa_', 'shpss_'], whole: /shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}/y },
  { kind: 'Linear key', begins: ['lin_api_'], whole: /lin_api_[A-Za-z0-9]{40}/y },
  { kind: 'AWS access key id', begins: ['AKIA', 'ASIA'], whole: /A[KS]IA[A-Z2-7]{16}/y, letters: true },
  { kind: 'Google API key', begins: ['AIza'], whole: /AIza[\w-]{35}/y, letters: true },
  { kind: 'Google OAuth secret', begins: ['GOCSPX-'], whole: /GOCSPX-[\w-]{28}/y },
  { kind: 'SendGrid key', begins: ['SG.'], whole: /SG\.[\w-]{22}\.[\w-]{43}/y },
  { kind: 'JSON Web Token', begins: ['eyJ'], whole: /eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{16,2000}/y },
  { kind: 'private key', begins: ['-----BEGIN '], whole: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)[\s\\A-Za-z0-9+/=:,.-]){64,16000}-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----/y, anywhere: true },
];

/** A beginning, and where in it the three characters stand by which it is found. */
type Entry = Readonly<{ begins: string; offset: number; format: Format }>;

/** How often letters and signs stand in texts, roughly, in percent; everything else is rarer. */
const often: Readonly<Record<string, number>> = { e: 12, t: 9, a: 8, o: 7, i: 7, n: 7, s: 6, h: 6, r: 6, d: 4, l: 4, c: 3, u: 3, m: 2, w: 2, f: 2, g: 2, y: 2, p: 2, b: 2, v: 1, _: 2, '-': 3 };

/** By three characters of the beginning, see `gramAt`. */
const byGram: ReadonlyMap<number, readonly Entry[]> = entriesByGram();
/** What stands in every token: three characters of its beginning, see `gramAt`. */
export const tokenGrams: readonly number[] = [...byGram.keys()];
const stops = new Stops([], tokenGrams);

/** Characters of the shortest token. */
const shortest = 20;

/** Every token in a text, in order. A token stands at the beginning of a word and takes it whole. */
export function findTokens(text: string): readonly TokenSpan[] {
  if (text.length < shortest) return none;
  return withLowBytes(text, (bytes) => {
    const found = new FoundTokens(text);
    stops.each(bytes, text.length, () => undefined, (at) => found.lookAt(bytes, at));
    return found.spans;
  });
}

/** Tokens of a text, found by somebody who stops at each of `tokenGrams`. */
export class FoundTokens {
  readonly spans: TokenSpan[] = [];
  #from = 0;

  constructor(readonly text: string) {}

  /** Three characters that may belong to a token begin here; the places come in order. */
  lookAt(bytes: DataView, at: number): void {
    const span = tokenAround(this.text, at, this.#from, byGram.get(gramAt(bytes, at)));
    if (span === undefined) return;
    this.spans.push(span);
    this.#from = span.to;
  }
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
  for (const { begins, offset, format } of entries) {
    const start = at - offset;
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
      const offset = rarest(begins);
      const gram = begins.charCodeAt(offset) | (begins.charCodeAt(offset + 1) << 8) | (begins.charCodeAt(offset + 2) << 16);
      map.set(gram, [...(map.get(gram) ?? []), { begins, offset, format }]);
    }
  }
  return map;
}

/** Where the three characters begin whose pairs are the rarest in texts. */
function rarest(begins: string): number {
  const weight = (at: number): number => often[begins.charAt(at)] ?? 0.3;
  const cost = (at: number): number => weight(at + 1) * (weight(at) + weight(at + 2));
  return Array.from({ length: begins.length - 2 }, (_, at) => at).reduce((best, at) => (cost(at) < cost(best) ? at : best), 0);
}
