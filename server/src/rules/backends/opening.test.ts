import assert from 'node:assert/strict';
import { unsafeError, unsafeOpening } from './opening';

describe('addresses that a server wants opened', () => {
  for (const url of ['https://example.com/sign-in?state=a-b_c~d&x=%20#top', 'HTTP://localhost:8080/', 'http://[::1]:80/x']) {
    it(`T71: ${url} may be opened`, () => assert.equal(unsafeOpening('elicitation/create', { mode: 'url', url }), undefined));
  }
  for (const url of ['javascript:alert(1)', 'file:///etc/passwd', 'vscode://x/y', 'a:$(calc.exe)', 'http:\\\\x', 'https://x/$(id) ', 'https://x/`id`', 'https://x/"&calc', 'https://x/\u202egnp', 'https://', '', 7, null]) {
    it(`T71: ${JSON.stringify(url)} must not be opened, in whatever mode it comes`, () => {
      for (const mode of [{ mode: 'url' }, {}, { mode: 'form' }]) assert.match(unsafeOpening('elicitation/create', { ...mode, url }) ?? '', /neither http nor https/);
      assert.match(unsafeError({ code: -32_042, data: { elicitations: [{ mode: 'url', url: 'https://example.com/' }, { mode: 'url', url }] } }) ?? '', /neither http nor https/);
    });
  }
  it('T71: other questions and errors are none of this', () => {
    assert.equal(unsafeOpening('sampling/createMessage', { url: 'file:///x' }), undefined);
    assert.equal(unsafeOpening('elicitation/create', { mode: 'form', message: 'Who?' }), undefined);
    assert.equal(unsafeError({ code: -32_600, data: { elicitations: [{ url: 'file:///x' }] } }), undefined);
  });
});
