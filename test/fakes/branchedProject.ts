import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ShellProject } from './shellProject';

/** A project in a repository with branches: `evil` holds control files, `links` a link that leads out, `good` only an ordinary change; all leave from the only commit of `main`. */
export class BranchedProject extends ShellProject {
  constructor(allowed: readonly string[]) {
    super(allowed);
    this.git('init', '-q', '-b', 'main');
    this.git('config', 'user.name', 't');
    this.git('config', 'user.email', 't@example.com');
    this.put('a.txt', 'one\n');
    this.put('x/workflows/ci.yml', 'x\n');
    this.commit('one');
    this.branch('good', () => this.put('a.txt', 'good\n'));
    this.branch('evil', () => {
      this.put('.npmrc', 'script-shell=evil\n');
      this.put('.vscode/tasks.json', '{}\n');
    });
    this.branch('links', () => symlinkSync('/etc', join(this.project, 'etc')));
  }

  commit(message: string): void {
    this.git('add', '-A');
    this.git('commit', '-q', '-m', message);
  }

  /** Makes a branch of `main` with one commit, and goes back. */
  branch(name: string, change: () => unknown): void {
    this.git('checkout', '-q', '-b', name, 'main');
    change();
    this.commit(name);
    this.git('checkout', '-q', 'main');
  }
}
