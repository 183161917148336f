import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConductorError } from '../../../../protocol/src/errors';
import { closeAll, openRedirection, type FileRedirection } from './files';
import { holdFolder } from './held';

describe('files of redirections', () => {
  let base = '';
  let project = '';

  beforeEach(function () {
    if (process.platform === 'win32') this.skip();
    base = realpathSync(mkdtempSync(join(tmpdir(), 'redirections-')));
    project = join(base, 'project');
    mkdirSync(join(project, 'd'), { recursive: true });
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside', 'f'), 'outside');
    writeFileSync(join(project, 'd', 'f'), 'inside');
  });
  afterEach(() => rmSync(base, { recursive: true, force: true }));

  function open(kind: 'read' | 'write' | 'append', target: string): string {
    const redirection: FileRedirection = kind === 'read' ? { kind, target, arrives: join(project, target) } : { kind, descriptor: 1, target, arrives: join(project, target) };
    try {
      closeAll([openRedirection(redirection, project)]);
      return 'opened';
    } catch (error) {
      return error instanceof ConductorError ? `${error.code} ${error.message}` : String(error);
    }
  }

  it('T12 opens regular files of the project, and creates one in a folder that exists', () => {
    assert.equal(open('read', 'd/f'), 'opened');
    assert.equal(open('append', 'd/f'), 'opened');
    assert.equal(readFileSync(join(project, 'd/f'), 'utf8'), 'inside');
    assert.equal(open('write', 'd/f'), 'opened');
    assert.equal(readFileSync(join(project, 'd/f'), 'utf8'), '');
    assert.equal(open('write', 'd/new'), 'opened');
    assert.match(open('write', 'missing/new'), /^TOOL_FAILED .*no regular file in a folder that exists/);
    assert.match(open('read', 'd'), /^TOOL_FAILED .*no regular file/);
  });

  it('A1 T24 T27 does not go through a link that was not there when it was judged, not even one that stays inside', () => {
    symlinkSync('../outside', join(project, 'out'));
    symlinkSync('d', join(project, 'in'));
    symlinkSync('f', join(project, 'd', 'last'));
    for (const target of ['out/f', 'in/f']) for (const kind of ['read', 'write', 'append'] as const) assert.match(open(kind, target), /^APPROVAL_STALE/, `${kind} ${target}`);
    assert.match(open('write', 'd/last'), /^TOOL_FAILED .*no regular file/);
    assert.equal(readFileSync(join(base, 'outside', 'f'), 'utf8'), 'outside');
    assert.equal(readFileSync(join(project, 'd', 'f'), 'utf8'), 'inside');
    assert.throws(() => holdFolder(join(project, 'out'), project), /does not exist/);
    assert.throws(() => holdFolder(join(project, 'in', 'x'), project), (error) => error instanceof ConductorError && error.code === 'APPROVAL_STALE');
  });

  it('T24 T27 notices a project that became a link', () => {
    symlinkSync(join(base, 'outside'), join(base, 'moved'));
    assert.throws(() => holdFolder(join(base, 'moved'), join(base, 'moved')), (error) => error instanceof ConductorError && error.code === 'APPROVAL_STALE');
  });

  it('T24 T29 does not write into a file that has another name elsewhere, and leaves its bytes', () => {
    linkSync(join(base, 'outside', 'f'), join(project, 'd', 'hard'));
    for (const kind of ['write', 'append'] as const) assert.match(open(kind, 'd/hard'), /^TOOL_FAILED .*hard link/);
    assert.equal(readFileSync(join(base, 'outside', 'f'), 'utf8'), 'outside');
    assert.equal(open('read', 'd/hard'), 'opened');
  });

  it('T27 refuses named pipes, sockets and devices at once instead of waiting for them', async () => {
    execFileSync('mkfifo', [join(project, 'pipe')]);
    const server = createServer().listen(join(project, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      for (const target of ['pipe', 'socket']) for (const kind of ['read', 'write', 'append'] as const) assert.match(open(kind, target), /^TOOL_FAILED .*no regular file/, `${kind} ${target}`);
    } finally {
      server.close();
    }
  });
});
