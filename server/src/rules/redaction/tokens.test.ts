import assert from 'node:assert/strict';
import { findTokens } from './tokens';

/** Characters that look drawn by lot, the same each time; all made up. */
function drawn(count: number, alphabet: string): string {
  let state = 0x2545f491;
  return Array.from({ length: count }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) ^ 0x297a2d39;
    return alphabet[(state >>> 8) % alphabet.length];
  }).join('');
}

const digits = '0123456789';
const hex = `${digits}abcdef`;
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const plain = letters + digits;
const url = `${plain}-_`;
const base64 = `${plain}+/`;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** One or more of each format that is looked for. */
const tokens: readonly (readonly [kind: string, token: string])[] = [
  ['GitHub token', `ghp_${drawn(36, plain)}`],
  ['GitHub token', `ghs_${drawn(36, plain)}`],
  ['GitHub token', `github_pat_${drawn(22, plain)}_${drawn(59, plain)}`],
  ['GitLab token', `glpat-${drawn(19, url)}x`],
  ['GitLab token', `glsoat-${drawn(19, url)}x`],
  ['Slack token', `xoxb-${drawn(12, digits)}-${drawn(24, plain)}`],
  ['Slack token', `xapp-1-A${drawn(10, base32)}-${drawn(13, digits)}-${drawn(64, hex)}`],
  ['npm token', `npm_${drawn(36, plain)}`],
  ['PyPI token', `pypi-AgEIcHlwaS5vcmc${drawn(69, url)}x`],
  ['Stripe key', `sk_live_${drawn(24, plain)}`],
  ['Stripe key', `rk_test_${drawn(24, plain)}`],
  ['Stripe webhook secret', `whsec_${drawn(32, plain)}`],
  ['Anthropic key', `sk-ant-api03-${drawn(92, url)}x`],
  ['OpenAI key', `sk-proj-${drawn(60, url)}x`],
  ['OpenAI key', `sk-${drawn(20, plain)}T3BlbkFJ${drawn(20, plain)}`],
  ['OpenAI key', `sk-${drawn(48, plain)}`],
  ['OpenRouter key', `sk-or-v1-${drawn(64, hex)}`],
  ['Hugging Face token', `hf_${drawn(34, letters)}`],
  ['DigitalOcean token', `dop_v1_${drawn(64, hex)}`],
  ['Shopify token', `shpat_${drawn(32, hex)}`],
  ['Linear key', `lin_api_${drawn(40, plain)}`],
  ['AWS access key id', `AKIA${drawn(16, base32)}`],
  ['Google API key', `AIza${drawn(34, url)}x`],
  ['Google OAuth secret', `GOCSPX-${drawn(27, url)}x`],
  ['SendGrid key', `SG.${drawn(21, url)}x.${drawn(42, url)}x`],
  ['JSON Web Token', `eyJ${drawn(30, url)}.eyJ${drawn(60, url)}.${drawn(42, url)}x`],
  ['private key', `-----BEGIN RSA PRIVATE KEY-----\n${drawn(64, base64)}\n${drawn(64, base64)}\n-----END RSA PRIVATE KEY-----`],
];

/** What stands in projects and is no secret. */
const harmless: readonly (readonly [what: string, text: string])[] = [
  ['a git hash', `commit ${drawn(40, hex)}\nindex ${drawn(7, hex)}..${drawn(7, hex)} 100644`],
  ['a SHA-256', `sha256:${drawn(64, hex)}`],
  ['a UUID', '0f8fad5b-d9cb-469f-a165-70867728950e'],
  ['an image in base64', `<img src="data:image/png;base64,iVBORw0KGgo${drawn(50_000, base64)}==">`],
  ['base64 that holds beginnings by chance', `${drawn(60, base64)}AKIA${drawn(60, base64)}/AIza${drawn(60, base64)}+eyJ${drawn(60, base64)}`],
  ['integrity hashes of a lockfile', Array.from({ length: 50 }, (_, i) => `"integrity": "sha512-${drawn(80 + i, base64).slice(i)}=="`).join('\n')],
  ['checksums of go.sum', `example.com/x v1.2.3 h1:${drawn(43, base64)}=\nexample.com/x v1.2.3/go.mod h1:${drawn(43, base64)}=`],
  ['colours of a style sheet', ':root{--a:#AKIA;--b:#0f8fad;color:#fff}.sk-circle{animation:sk-bounce-delay-in-out-for-all 1s}.sk-folding-cube{}'],
  ['minified code', `!function(e,t){var n=e.npm_config_registry,r=t.sk_test_mode||"hf_transformers_model_name";${'a.b_c=function(e){return e?1:0};'.repeat(400)}}(this);`],
  ['a source map', `{"mappings":"${'AAAA,SAASA,IAAG;EyJA,'.repeat(500)}"}`],
  ['names that begin alike', 'ghp_token github_pat_example glpat-yourtoken xoxb-your-token npm_package_version pypi-publish sk-learn sk-ant-api sk_live_ whsec_test hf_hub_download AKIAEXAMPLE eyJhbGciOiJIUzI1NiJ9'],
  ['places of documentation', `ghp_${'x'.repeat(10)} and sk-... and ${'<YOUR_TOKEN>'} and Bearer $TOKEN`],
  ['a public key', `-----BEGIN PUBLIC KEY-----\n${drawn(64, base64)}\n-----END PUBLIC KEY-----\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA${drawn(43, base64)}`],
  ['a certificate', `-----BEGIN CERTIFICATE-----\n${drawn(64, base64)}\n-----END CERTIFICATE-----`],
];

describe('tokens by their published formats', () => {
  for (const [kind, token] of tokens) {
    it(`redaction:tokens: finds a ${kind}: ${token.slice(0, 12)}…`, () => {
      for (const [before, after] of [['', ''], ['x = "', '"'], ['\n', '\n'], ['TOKEN=', ' next'], ['https://a:', '@example.com'], ['\\n', '\\n'], ['(', ').']] as const) {
        assert.deepEqual(findTokens(before + token + after), [{ from: before.length, to: before.length + token.length, kind }], JSON.stringify([before, after]));
      }
    });

    it(`redaction:tokens: takes ${kind === 'private key' ? 'a key behind any text' : 'no part of a longer word'} for a ${kind}: ${token.slice(0, 12)}…`, () => {
      assert.deepEqual(findTokens(`Q${token}`), kind === 'private key' ? [{ from: 1, to: token.length + 1, kind }] : []);
      assert.deepEqual(findTokens(token.slice(0, 12)), []);
    });
  }

  for (const [what, text] of harmless) {
    it(`redaction:tokens: leaves ${what} alone`, () => assert.deepEqual(findTokens(text).map(({ from, to }) => text.slice(from, to)), []));
  }
});
