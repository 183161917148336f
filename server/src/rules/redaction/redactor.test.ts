import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { createRedactor, secretMarker } from './redactor';
import { createTextStream } from './stream';

/** Values that make every escape do something, and values that stand for those of every day. All are made up. */
const values: readonly (readonly [name: string, value: string])[] = [
  ['plain', 'k7Qm2Xv9Lp4Rt8Wz1Bn5'],
  ['signs', 'p/A+s=s&w"o\\r$d%41<>\'7'],
  ['words', 'correct horse battery staple'],
  ['letters', 'Schlüssel-für-Zürich-€🔑'],
  ['short', 'hUnt3r'],
  ['lines', '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nqk9D7mTz1v0Jw8yB2nXc5sLr3uPe6aHf\n-----END KEY-----\n'],
];

type Form = (value: string) => string;
const bytes = (value: string): Buffer => Buffer.from(value.trim());
const each = (value: string, write: (unit: number) => string): string => Array.from({ length: value.trim().length }, (_, i) => write(value.trim().charCodeAt(i))).join('');
const eachByte = (value: string, write: (byte: number) => string): string => [...bytes(value)].map(write).join('');
const hex = (unit: number, width: number): string => unit.toString(16).padStart(width, '0');

/** Every way of writing a value down in which it must not get through. */
const forms: Readonly<Record<string, Form>> = {
  'as it is': (value) => value.trim(),
  'reversed': (value) => Array.from({ length: value.trim().length }, (_, i) => value.trim().charAt(value.trim().length - 1 - i)).join(''),
  'base64': (value) => bytes(value).toString('base64'),
  'base64 without padding': (value) => bytes(value).toString('base64').replace(/=+$/, ''),
  'base64, one byte in': (value) => Buffer.concat([Buffer.from(':'), bytes(value), Buffer.from(':')]).toString('base64'),
  'base64, two bytes in': (value) => Buffer.concat([Buffer.from('u:'), bytes(value), Buffer.from('.')]).toString('base64'),
  'base64url': (value) => bytes(value).toString('base64url'),
  'base64url, two bytes in': (value) => Buffer.concat([Buffer.from('u:'), bytes(value)]).toString('base64url'),
  'base64 in lines': (value) => bytes(value).toString('base64').replace(/.{5}/g, '$&\n'),
  'base64 in lines, as JSON': (value) => JSON.stringify(bytes(value).toString('base64').replace(/.{7}/g, '$&\r\n')).slice(1, -1),
  'base64 with its signs escaped': (value) => encodeURIComponent(bytes(value).toString('base64')),
  'base64 of UTF-16': (value) => Buffer.from(value.trim(), 'utf16le').toString('base64'),
  'base64 of base64': (value) => Buffer.from(bytes(value).toString('base64')).toString('base64'),
  'hex': (value) => bytes(value).toString('hex'),
  'hex in capitals': (value) => bytes(value).toString('hex').toUpperCase(),
  'hex with blanks': (value) => (bytes(value).toString('hex').match(/../g) ?? []).join(' '),
  'hex with colons': (value) => (bytes(value).toString('hex').toUpperCase().match(/../g) ?? []).join(':'),
  'hex in groups': (value) => (bytes(value).toString('hex').match(/.{1,4}/g) ?? []).join(' '),
  'a list of numbers': (value) => [...bytes(value)].join(', '),
  'a buffer as JSON': (value) => JSON.stringify(bytes(value)),
  'a buffer as Node shows it': (value) => inspect(bytes(value), { maxArrayLength: null }).replace(/^<Buffer |>$/g, '') ,
  'JSON': (value) => JSON.stringify(value.trim()).slice(1, -1),
  'JSON of JSON': (value) => JSON.stringify(JSON.stringify(value.trim())).slice(3, -3),
  'JSON with \\u': (value) => each(value, (unit) => `\\u${hex(unit, 4)}`),
  'JSON with \\u in capitals': (value) => each(value, (unit) => `\\u${hex(unit, 4).toUpperCase()}`),
  'JSON with every second as \\u': (value) => each(value, (unit) => (unit % 2 === 0 || unit < 0x23 || unit === 0x5c ? `\\u${hex(unit, 4)}` : String.fromCharCode(unit))),
  'JSON of JSON with \\u': (value) => each(value, (unit) => `\\\\u${hex(unit, 4)}`),
  'C with \\x': (value) => eachByte(value, (byte) => `\\x${hex(byte, 2)}`),
  'C with octal numbers': (value) => eachByte(value, (byte) => `\\${byte.toString(8).padStart(3, '0')}`),
  'an URL': (value) => encodeURIComponent(value.trim()),
  'an URL in small letters': (value) => encodeURIComponent(value.trim()).replace(/%../g, (code) => code.toLowerCase()),
  'an URL, escaped whole': (value) => eachByte(value, (byte) => `%${hex(byte, 2).toUpperCase()}`),
  'an URL, escaped twice': (value) => eachByte(value, (byte) => `%25${hex(byte, 2).toUpperCase()}`),
  'a form': (value) => encodeURIComponent(value.trim()).replaceAll('%20', '+'),
  'HTML': (value) => value.trim().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  'HTML with numbers': (value) => each(value, (unit) => `&#${String(unit)};`),
  'HTML with hex': (value) => each(value, (unit) => `&#x${hex(unit, 1)};`),
  'for a shell': (value) => value.trim().replace(/[^\w]/g, (sign) => (sign === '\n' ? "$'\\n'" : `\\${sign}`)),
};

/** Not every form means something for every value. */
const skipped: ReadonlySet<string> = new Set(['letters: for a shell', 'lines: for a shell', 'lines: a buffer as Node shows it']);

describe('redaction of known values', () => {
  for (const [name, value] of values) {
    const redactor = createRedactor();
    redactor.know([{ name: 'other.one', value: Buffer.from('q-other-value-1') }, { name: `canary.${name}`, value: Buffer.from(value) }]);
    const marker = secretMarker(`canary.${name}`);
    for (const [form, write] of Object.entries(forms).filter(([form]) => !skipped.has(`${name}: ${form}`))) {
      it(`redaction:forms: T72: ${name} is found as ${form}, wherever it stands`, () => {
        const written = write(value);
        for (const [before, after] of [['', ''], ['it is "', '" and more'], ['x=', '&y'], ['first line\nkey: ', '\nlast line'], ['é ', ' €']] as const) {
          const clean = redactor.text(before + written + after);
          assert.ok(clean.includes(marker), `${before}…${after}: ${clean}`);
          assert.ok(clean.startsWith(before) && clean.endsWith(after), clean);
          // What is left of it is the part of a code that neighbours share, brackets, and breaks.
          assert.ok(clean.length - before.length - after.length - marker.length <= (form === 'a buffer as JSON' ? 30 : written.split(/\n|\\n/).length + 12), clean);
        }
      });
    }
  }

  it('redaction:chunks: T72: a stream takes a value out wherever the borders fall, and gives everything else', () => {
    for (const [name, value] of values) {
      const redactor = createRedactor();
      redactor.know([{ name: `canary.${name}`, value: Buffer.from(value) }]);
      for (const form of ['as it is', 'base64', 'hex', 'JSON with \\u', 'an URL, escaped whole', 'base64 in lines']) {
        const text = `begin ${(forms[form] as Form)(value)} middle ${(forms[form] as Form)(value)} end`;
        for (let size = 1; size < text.length; size += size < 12 ? 1 : 13) {
          const stream = createTextStream(redactor);
          let out = '';
          for (let at = 0; at < text.length; at += size) out += stream.push(text.slice(at, at + size));
          assert.equal(out + stream.end(), redactor.text(text), `${name}, ${form}, chunks of ${String(size)}`);
        }
      }
    }
  });

  it('redaction:chunks: a stream holds nothing back that cannot become a secret', () => {
    const redactor = createRedactor();
    redactor.know([{ name: 'a.b', value: Buffer.from('k7Qm2Xv9Lp4Rt8Wz1Bn5') }]);
    const stream = createTextStream(redactor);
    assert.equal(stream.push('compiling module one… ok!'), 'compiling module one… ok!');
    assert.equal(stream.push('value: k7Qm2Xv9'), 'value: ');
    assert.equal(stream.push('Lp4Rt8Wz1Bn5; next'), '‹secret a.b›; next');
  });

  it('redaction:pieces: a line that was cut says nothing of a value that reaches over its end', () => {
    const redactor = createRedactor();
    const value = 'k7Qm2Xv9Lp4Rt8Wz1Bn5';
    redactor.know([{ name: 'a.b', value: Buffer.from(value) }]);
    for (let cut = 4; cut < value.length - 3; cut += 1) {
      assert.equal(redactor.piece(`token ${value.slice(0, cut)}`), 'token ‹…›');
      assert.equal(redactor.piece(`${value.slice(cut)} is set`), '‹…› is set');
    }
    assert.equal(redactor.piece(value.slice(3, 14)), '‹…›');
    assert.equal(redactor.piece('nothing of it'), 'nothing of it');
  });

  it('redaction:cuts: both sides of a cut say nothing of a value that lay over it, in any form', () => {
    const redactor = createRedactor();
    const value = 'k7Qm2Xv9Lp4Rt8Wz1Bn5';
    redactor.know([{ name: 'a.b', value: Buffer.from(value) }, { name: 'twice', value: Buffer.from('abcdefabcdef') }]);
    for (const form of [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex'), [...value].reverse().join('')]) {
      for (let cut = 4; cut < form.length - 5; cut += 1) {
        assert.equal(redactor.beginning(`token ${form.slice(0, cut)}`), 'token ‹…›', `${form} ${String(cut)}`);
        assert.match(redactor.ending(`${form.slice(cut)} is set`), /^‹…›.? is set$/, `${form} ${String(cut)}`);
      }
    }
    // A whole value at a border is not taken for a half one, of which the other half would stay.
    for (const [given, clean] of [['x abcdefabcdef', 'x ‹…›'], ['x abcdefabcdefabc', 'x ‹…›'], ['nothing of it', 'nothing of it'], ['key ghp_0123456789', 'key ‹…›']] as const) assert.equal(redactor.beginning(given), clean);
    for (const [given, clean] of [['abcdefabcdef x', '‹…› x'], ['defabcdef x', '‹…› x'], ['nothing of it', 'nothing of it']] as const) assert.equal(redactor.ending(given), clean);
  });

  it('redaction:short: a value of four or five characters is removed where it stands alone, a shorter one nowhere', () => {
    const redactor = createRedactor();
    redactor.know([{ name: 'door.pin', value: Buffer.from('4711') }, { name: 'tiny.one', value: Buffer.from('abc') }]);
    assert.equal(redactor.text('PIN=4711, (4711) and 14711 or 4711x; abc'), 'PIN=‹secret door.pin›, (‹secret door.pin›) and 14711 or 4711x; abc');
  });

  it('forgets what it does not know any more, and gives back what holds nothing as it is', () => {
    const redactor = createRedactor();
    redactor.know([{ name: 'a.b', value: Buffer.from('k7Qm2Xv9Lp4Rt8Wz1Bn5') }]);
    const value = { list: ['x', { deep: 'y' }], number: 3 };
    assert.equal(redactor.value(value), value);
    assert.deepEqual(redactor.value({ list: ['k7Qm2Xv9Lp4Rt8Wz1Bn5'], 'k7Qm2Xv9Lp4Rt8Wz1Bn5': null }), { list: ['‹secret a.b›'], '‹secret a.b›': null });
    redactor.know([]);
    assert.equal(redactor.text('k7Qm2Xv9Lp4Rt8Wz1Bn5'), 'k7Qm2Xv9Lp4Rt8Wz1Bn5');
  });

  it('leaves breaks of lines where they are', () => {
    const redactor = createRedactor();
    const [, key] = values[5] as readonly [string, string];
    redactor.know([{ name: 'a.key', value: Buffer.from(key) }]);
    assert.equal(redactor.text(`one\n${key}two\n`), 'one\n‹secret a.key›\n\n\n\ntwo\n');
  });

  it('takes no time that an agent could stretch', () => {
    const redactor = createRedactor();
    redactor.know([{ name: 'a.b', value: Buffer.from('aaaaaaaaaaaaaaaaaaaaaaaab') }, { name: 'c.d', value: Buffer.from('%%%%\\\\\\\\&&&&\n\n\n\n') }]);
    for (const part of ['a', '\\"', ', \n', '%', '\\', '&', '\n', '%25', '\\\\u0061', '&amp;', '\\n', 'a\n', '%61', '-----BEGIN PRIVATE KEY-----\n', 'eyJ', 'sk-', 'ghp_']) {
      const text = part.repeat(Math.ceil(200_000 / part.length));
      const { user } = process.cpuUsage();
      redactor.text(text);
      redactor.piece(text.slice(0, 200));
      // Far beyond what it takes, and far below what a quadratic search would.
      assert.ok(process.cpuUsage().user - user < 8_000_000, part);
    }
  });
});
