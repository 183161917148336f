import assert from 'node:assert/strict';
import fc from 'fast-check';
import { alikeBackends, nameDoubts, skeleton, wireName, wireNameLimit } from './names';

describe('names of external tools', () => {
  it('backends:names: plain names stay readable', () => {
    assert.equal(wireName('files', 'read_text_file'), 'files__read_text_file');
    assert.equal(wireName('context7', 'query-docs'), 'context7__query-docs');
  });

  it('backends:names: every name fits every client, and two tools never have one name', () => {
    const tool = fc.oneof(fc.string({ minLength: 1, maxLength: 128, unit: 'binary' }), fc.stringMatching(/^[a-z_]{1,80}$/), fc.constantFrom('a.b', 'a_b', 'a/b', 'a__b'));
    const backend = fc.constantFrom('a', 'ab', 'a-b', 'files', 'a_b');
    fc.assert(
      fc.property(backend, tool, backend, tool, (b1, t1, b2, t2) => {
        assert.match(wireName(b1, t1), new RegExp(`^[A-Za-z0-9_-]{1,${String(wireNameLimit)}}$`));
        if (b1 !== b2 || t1 !== t2) assert.notEqual(wireName(b1, t1), wireName(b2, t2));
      }),
    );
  });

  const alike: [a: string, b: string][] = [
    ['read_file', 'rеad_file'], ['read_file', 'READ-FILE'], ['read_file', 'read__file'], ['read_file', 'ｒead_file'], ['list', '1ist'], ['list', 'Iist'], ['admin', 'adrnin'], ['read_file', 'read\u200b_file'], ['café', 'cafe'], ['ρay', 'pay'],
  ];
  for (const [a, b] of alike) it(`T57 ${JSON.stringify(a)} and ${JSON.stringify(b)} look alike`, () => assert.equal(skeleton(a), skeleton(b)));
  for (const [a, b] of [['read_file', 'read_files'], ['get', 'set'], ['create_issue', 'create_issues']]) it(`${a ?? ''} and ${b ?? ''} do not`, () => assert.notEqual(skeleton(a ?? ''), skeleton(b ?? '')));

  it('T57: a tool that looks like one of Conductor, of its neighbour, or hides letters is told', () => {
    const doubts = nameDoubts(
      [
        { backend: 'a', tool: 'send_mail' }, { backend: 'a', tool: 'ѕend_mail' }, { backend: 'shell', tool: 'exec' }, { backend: 'b', tool: 'filesystem_read' }, { backend: 'b', tool: 'ok\u200b' }, { backend: 'b', tool: 'send_mail' },
      ],
      ['shell.exec', 'filesystem.read'],
    );
    assert.deepEqual(doubts.map(({ backend, tool }) => `${backend} ${tool}`), ['a ѕend_mail', 'a ѕend_mail', 'shell exec', 'b filesystem_read', 'b ok\u200b']);
  });

  it('T56: backends whose names look alike are told', () => assert.deepEqual(alikeBackends(['github', 'files', 'g1thub', 'git_hub']), [['g1thub', 'github']]));
});
