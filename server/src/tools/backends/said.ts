import { isRecord } from '../../base/frames';
import type { ToolDescriptor } from '../../rules/backends/identity';

/** What a server says besides its tools, described like one, so that it is approved, compared and held back in the same way (T59). */

/** Under which name the instructions of a server are approved. */
export const instructionsName = 'server/instructions';

const promptPrefix = 'prompts/get ';

/** Under which name a prompt is approved. */
export function promptPin(name: string): string {
  return `${promptPrefix}${name}`;
}

/** Whether a name belongs to what is described here. A tool that is called so is none. */
export function isSaid(name: string): boolean {
  return name === instructionsName || name.startsWith(promptPrefix);
}

/** The instructions of a server; nothing where it gives none. */
export function saidInstructions(text: string | undefined): readonly ToolDescriptor[] {
  return text === undefined || text.trim() === '' ? [] : [{ name: instructionsName, description: text }];
}

/** The prompts of a server, as it lists them. */
export function saidPrompts(listed: readonly unknown[]): readonly ToolDescriptor[] {
  return listed.flatMap((prompt) => (isRecord(prompt) && typeof prompt['name'] === 'string' ? [promptOf(prompt, prompt['name'])] : []));
}

/** One prompt as its server lists it. */
export function promptOf(prompt: Readonly<Record<string, unknown>>, name: string): ToolDescriptor {
  return { ...prompt, name: promptPin(name) };
}
