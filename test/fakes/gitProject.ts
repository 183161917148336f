import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import type { Outcome } from '../../protocol/src/call';
import { configSchema, type ConfigInput } from '../../protocol/src/config';
import { createGitTools } from '../../server/src/tools/git/tools';
import type { Prepared } from '../../server/src/tools/tool';
import { ShellProject } from './shellProject';

/** For tests: a real repository in a real project, and the git tools over it. */
export class GitProject extends ShellProject {
  private readonly tools = new Map(createGitTools(`${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`).map((tool) => [tool.name, tool]));
  private settings: ConfigInput = {};

  constructor() {
    super([]);
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.name', 'Ada');
    this.git('config', 'user.email', 'ada@example.com');
  }

  configure(settings: ConfigInput): void {
    this.settings = settings;
  }

  /** Adds everything and commits it, as the person would. */
  save(message: string): void {
    this.git('add', '-A');
    this.git('commit', '-q', '-m', message);
  }

  async prepareGit(name: string, given: Record<string, unknown> = {}): Promise<Prepared> {
    const tool = this.tools.get(`git.${name}`);
    assert.ok(tool);
    return tool.prepare(tool.input.parse(given), { project: this.project, configDir: this.configDir, config: configSchema.parse(this.settings), signal: new AbortController().signal });
  }

  /** Runs a call whatever its verdict was, as after an approval. */
  async call(name: string, given: Record<string, unknown> = {}): Promise<Outcome> {
    return this.start(await this.prepareGit(name, given));
  }

  /** What a call that must be silent and must work answers. */
  async answer(name: string, given: Record<string, unknown> = {}): Promise<Extract<Outcome, { kind: 'success' }>> {
    const prepared = await this.prepareGit(name, given);
    assert.equal(prepared.verdict.verdict, 'allow', prepared.verdict.reason);
    return assertSuccess(await this.start(prepared));
  }

  /** The sentence of a call that must fail, or the reason of one that must be refused. */
  async trouble(name: string, given: Record<string, unknown> = {}): Promise<string> {
    const outcome = await this.call(name, given);
    assert.notEqual(outcome.kind, 'success', JSON.stringify(outcome));
    return outcome.kind === 'failure' ? outcome.error.message : outcome.kind === 'refused' ? outcome.reason : '';
  }

  /** Verdict and rule, divided by a blank. */
  async judgedAs(name: string, given: Record<string, unknown> = {}): Promise<string> {
    const { verdict } = await this.prepareGit(name, given);
    return `${verdict.verdict} ${verdict.rule}`;
  }
}

/** The outcome, which must be a success. */
export function assertSuccess(outcome: Outcome): Extract<Outcome, { kind: 'success' }> {
  if (outcome.kind !== 'success') assert.fail(JSON.stringify(outcome));
  return outcome;
}
