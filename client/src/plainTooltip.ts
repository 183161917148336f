import { MarkdownString } from 'vscode';

/** A tooltip of plain lines: nothing that an agent, a server or a file says in them can become markup or a link. */
export function plainTooltip(lines: readonly string[]): MarkdownString {
  const text = new MarkdownString(undefined, false);
  text.isTrusted = false;
  text.supportHtml = false;
  return text.appendCodeblock(lines.join('\n'), 'text');
}
