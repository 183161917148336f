import assert from 'node:assert/strict';
import { findSecrets, mayHoldSecrets, namesSecret } from './secretText';

/** Texts with what must be found in them; the secrets are made up. */
const rows: readonly (readonly [text: string, ...secrets: string[]])[] = [
  ['git push https://ann:hunter2@example.com/x', 'hunter2'],
  ['curl -H "Authorization: Bearer abcdef123456" x', 'abcdef123456'],
  ['curl -H "authorization: token abcdef123456" x', 'abcdef123456'],
  ['curl -u ann:hunter2 x', 'hunter2'],
  ['curl --user=ann:hunter2 x', 'hunter2'],
  ['mysql --password=hunter2 db', 'hunter2'],
  ['mysql --password hunter2 db', 'hunter2'],
  ['DB_PASSWORD=hunter2 npm start', 'hunter2'],
  ['AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG', 'wJalrXUtnFEMI/K7MDENG'],
  ['const apiKey = "abcdefgh";', 'abcdefgh'],
  ["{'client_secret': 'abcdefgh'}", 'abcdefgh'],
  ['password: hunter2\nuser: ann', 'hunter2'],
  [`token ghp_${'a'.repeat(36)} end`, `ghp_${'a'.repeat(36)}`],
  [`AKIA${'B'.repeat(16)}`, `AKIA${'B'.repeat(16)}`],
  [`x=sk-${'k'.repeat(40)}&y`, `sk-${'k'.repeat(40)}`],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl'],
  ['a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nb', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----'],
  ['-----BEGIN PRIVATE KEY-----\nMIIE', '-----BEGIN PRIVATE KEY-----\nMIIE'],
  ['one=canary-of-the-environment', 'canary-of-the-environment'],
  // What is no secret stays readable.
  ['git log --oneline -n 20'],
  ['https://example.com:8080/path?x=1'],
  ['interface Login { password: string; token?: string }'],
  ['const token = nextToken();'],
  ['npm run test -- --grep "password is refused"'],
  ['the token bucket holds 100 tokens'],
  ['sk-learn and key-value stores'],
  ['PAGER="cat" npm_config_update_notifier="false" npm_package_name="a-name-of-some-length"'],
  ['/home/ann/project/src/secrets/readme.md'],
];

describe('secrets in texts', () => {
  for (const [text, ...secrets] of rows) {
    it(`audit:redacted: ${secrets.length === 0 ? 'finds nothing in' : 'finds the secret of'} ${JSON.stringify(text).slice(0, 60)}`, () => {
      const known = text.indexOf('canary-of-the-environment');
      const found = known === -1 ? [] : [{ from: known, to: known + 'canary-of-the-environment'.length, kind: 'known' }];
      assert.deepEqual(findSecrets(text, found).map(({ from, to }) => text.slice(from, to)), secrets);
    });
  }

  it('knows the names under which secrets are passed', () => {
    assert.deepEqual(['password', 'apiKey', 'API_KEY', 'client_secret', 'Authorization', '--token', '--db-password'].filter((name) => !namesSecret(name)), []);
    assert.deepEqual(['path', 'content', 'command', 'monkey', '--tokenize', 'keys', 'passwordless'].filter(namesSecret), []);
  });

  it('audit:redacted: finds in a long text what it finds in a short one, wherever it stands', () => {
    for (const [text, ...secrets] of rows.filter(([given]) => !given.includes('canary-of-the-environment') && !given.endsWith('MIIE'))) {
      for (const at of [0, 1, 2, 3, 700, 1999, 2000]) {
        const long = `${'.\n'.repeat(at)}${text}\n${'é.'.repeat(2000 - at)}`;
        assert.deepEqual(findSecrets(long).map(({ from, to }) => long.slice(from, to)), secrets, `${String(at)} ${text}`);
        assert.ok(mayHoldSecrets(text) || !mayHoldSecrets(long), text);
      }
    }
  });

  it('audit:redacted: finds in ten thousand long texts of random pieces what it finds in the same as short ones', () => {
    const pieces = ['password', 'PassWord', 'passphrase', 'pwd', 'secret', 'token', 'api_key', 'apiKey', 'access-key', 'private', 'credential', 'authorization', 'Bearer', 'basic', '://', '-u', '--user', '-U', 'ghp_', 'github_pat_', 'npm_', 'npm_config_', 'hf_', 'sk_live_', 'sk-', 'whsec_', 'dop_v1_', 'xoxb-', 'AIza', 'AKIA', 'glpat-', 'pypi-', 'eyJ', '-----BEGIN PRIVATE KEY-----MIIE-----END PRIVATE KEY-----', '-', '--', '_', '=', ':', ' ', '  ', '\n', '"', "'", '@', '/', 'abcdefghijklmnopqrst', 'ABCDEFGHIJKLMNOP', '0123456789', 'user', 'x', 'string', 'é', 'ů', '.eyJabcdefgh.'];
    let seed = 42;
    const next = (below: number): number => ((seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0), Math.floor((seed / 2 ** 32) * below));
    const filler = '.\n'.repeat(600);
    let found = 0;
    for (let round = 0; round < 10_000; round += 1) {
      const text = Array.from({ length: 2 + next(14) }, () => pieces[next(pieces.length)] ?? '').join('');
      const at = next(2);
      const long = at === 0 ? `${filler}${text}\n${filler}` : `${text}\n${filler}`;
      const short = at === 0 ? `.\n${text}\n.\n` : `${text}\n.\n`;
      const secrets = findSecrets(short).map(({ from, to, kind }) => `${kind} ${short.slice(from, to)}`);
      assert.deepEqual(findSecrets(long).map(({ from, to, kind }) => `${kind} ${long.slice(from, to)}`), secrets, JSON.stringify(text));
      found += secrets.length;
    }
    assert.ok(found > 3_000, String(found));
  });

  it('ends for hostile text of every kind, with spans that do not overlap', () => {
    for (const part of ['eyJ-', '://a:', '-----BEGIN PRIVATE KEY-----', ' -u a:', 'bearer ', '--password ', 'password="', 'authorization: ', 'token   ', '--', 'a_-']) {
      const spans = findSecrets(part.repeat(20_000));
      assert.ok(spans.every(({ from, to }, i) => from < to && from >= (spans[i - 1]?.to ?? 0)), part);
    }
  });
});
