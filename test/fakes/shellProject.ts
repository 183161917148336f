import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Outcome } from '../../protocol/src/call';
import { configSchema, type ConfigInput } from '../../protocol/src/config';
import type { Prepared, PrepareContext, Tool } from '../../server/src/tools/tool';
import type { ShellInput } from '../../server/src/tools/shell/input';
import { createShellTool } from '../../server/src/tools/shell/tool';

type Confined = Pick<NonNullable<NonNullable<ConfigInput['plugins']>['shell']>, 'sandbox' | 'limits'>;

/** For tests: a real folder with a project and a configuration folder in it, and the shell tool over them. */
export class ShellProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'shell-project-')));
  readonly project = join(this.folder, 'project');
  readonly configDir = join(this.folder, 'config');
  /** Made by `script` when it runs. */
  readonly canary = join(this.folder, 'canary-ran');
  readonly script = join(this.folder, 'canary.sh');
  private readonly tool: Tool<ShellInput>;
  private context: PrepareContext;

  /** `searchPath` stands before the usual folders of programs; `confined` are the settings of sandbox and limits. */
  constructor(
    allowedCommands: readonly string[],
    requireApproval: readonly string[] = [],
    private readonly confined: Confined = {},
    searchPath: readonly string[] = [],
  ) {
    this.tool = createShellTool([...searchPath, dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':'));
    mkdirSync(this.project);
    mkdirSync(this.configDir);
    writeFileSync(this.script, `#!/bin/sh\ntouch ${this.canary}\ncat\n`, { mode: 0o755 });
    this.context = this.settled(allowedCommands, requireApproval);
  }

  settle(allowedCommands: readonly string[], requireApproval: readonly string[] = []): void {
    this.context = this.settled(allowedCommands, requireApproval);
  }

  /** From now on agents may change only these files (`plugins.filesystem.writeScope`). */
  scope(writeScope: readonly string[]): void {
    const { config } = this.context;
    this.context = { ...this.context, config: configSchema.parse({ ...config, plugins: { ...config.plugins, filesystem: { ...config.plugins.filesystem, writeScope: [...writeScope] } } }) };
  }

  prepare(given: string | ShellInput): Promise<Prepared> {
    return this.tool.prepare(typeof given === 'string' ? { command: given } : given, this.context);
  }

  start(prepared: Prepared): Promise<Outcome> {
    return prepared.run(new AbortController().signal, () => undefined);
  }

  async run(given: string | ShellInput): Promise<Outcome> {
    return this.start(await this.prepare(given));
  }

  /** Verdict and rule, divided by a blank. */
  async verdict(given: string | ShellInput): Promise<string> {
    const { verdict } = await this.prepare(given);
    return `${verdict.verdict} ${verdict.rule}`;
  }

  /** Runs what must be silent, and returns its standard output. */
  async silent(given: string | ShellInput): Promise<string> {
    const prepared = await this.prepare(given);
    assert.equal(prepared.verdict.verdict, 'allow', `${JSON.stringify(given)}: ${prepared.verdict.reason}`);
    const outcome = await this.start(prepared);
    assert.equal(outcome.kind, 'success', `${JSON.stringify(given)}: ${JSON.stringify(outcome)}`);
    return outcome.kind === 'success' ? String(outcome.structured?.['stdout']) : '';
  }

  put(path: string, text: string, mode = 0o644): string {
    const file = join(this.project, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  /** Runs git as the person would, outside of all judgement. */
  git(...args: readonly string[]): string {
    return this.gitIn('.', ...args);
  }

  gitIn(folder: string, ...args: readonly string[]): string {
    return execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'protocol.file.allow=always', ...args], { cwd: join(this.project, folder), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private settled(allowedCommands: readonly string[], requireApproval: readonly string[]): PrepareContext {
    const config = configSchema.parse({ plugins: { shell: { allowedCommands: [...allowedCommands], requireApproval: [...requireApproval], ...this.confined } } });
    return { project: this.project, configDir: this.configDir, config, signal: new AbortController().signal };
  }
}

/** The code of a refusal or of a run that stopped because something changed, or the kind of any other outcome. */
export function codeOf(outcome: Outcome): string {
  if (outcome.kind === 'failure' && outcome.error.code === 'APPROVAL_STALE') return outcome.error.code;
  return outcome.kind === 'refused' ? outcome.code : outcome.kind;
}
