import assert from 'node:assert/strict';
import { cancelsAnswered, patienceMs } from './patience';

describe('rules/patience', () => {
  const rows: readonly (readonly [client: string, informed: boolean, seconds: number])[] = [
    ['claude-code 2.1.330', false, Infinity], ['gemini-cli-mcp-client-conductor 0.0.1', true, Infinity], ['Visual Studio Code 1.130.0', true, 290], ['codex-mcp-client 0.154.0', false, 120],
    ['qwen-cli-mcp-client-conductor 0.0.1', true, 290], ['github-copilot-developer 1.0.102', false, 170], ['opencode 1.2.3', false, 50], ['opencode 1.2.3', true, 120],
    ['continue-client 1.0.0', true, 50], ['Cline 3.1', false, 50], ['somebody new 1', true, 50], ['', false, 50], ['opencodex 1', true, 50], ['my claude-code 1', true, 50],
  ];
  for (const [client, informed, seconds] of rows) {
    it(`approvals:call-again: "${client}" ${informed ? 'with' : 'without'} progress waits ${seconds} s`, () => assert.equal(patienceMs(client, informed, undefined), seconds * 1000));
  }

  it('approvals:call-again: the user’s own seconds hold for every client, and 0 never answers early', () => {
    assert.equal(patienceMs('claude-code 2', false, 20), 20_000);
    assert.equal(patienceMs('Cline 3', false, 0), Infinity);
  });

  it('knows who cancels what was answered', () => {
    assert.equal(cancelsAnswered('opencode 1.2.3'), true);
    assert.equal(cancelsAnswered('Cline 3.1'), false);
  });
});
