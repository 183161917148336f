import type { Pending } from '../../protocol/src/approvals';

/** A waiting call for tests; anything may be given differently. */
export function examplePending(different: Partial<Pending> = {}): Pending {
  return {
    id: 'evt_01K0000000000000000000000A',
    tool: 'shell.exec',
    digest: 'a'.repeat(64),
    title: 'Run a command',
    raw: 'rm -rf build',
    cwd: '/home/ada/project',
    project: '/home/ada/project',
    details: [['Program', '/usr/bin/rm']],
    rule: 'shell.requireApproval',
    reason: 'rm asks each time.',
    client: 'some-agent 1.0',
    binding: { nonce: '1'.repeat(64), policy: '2'.repeat(64), tool: '3'.repeat(64) },
    askedAt: '2026-11-21T20:00:00.000Z',
    expiresAt: '2026-11-21T20:02:00.000Z',
    ...different,
  };
}
