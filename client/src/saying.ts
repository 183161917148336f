import { window } from 'vscode';
import { messageOf } from './broker';

/** Does what a command is for, and says plainly what kept it from being done. */
export async function saying(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    void window.showErrorMessage(`Conductor: ${what} ${messageOf(error)}`);
  }
}
