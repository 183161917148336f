import { findNodeAtLocation, type Node } from 'jsonc-parser';
import { closest } from '../config/closest';
import { createLocator, pathText, type Finding } from '../config/finding';
import { parseJsonc } from '../config/jsonc';
import { interpreters, launchers } from './programs';

type Advice = Readonly<{ code: string; severity: 'warning' | 'information'; message: string; node: Node; path: readonly (string | number)[]; instead?: string }>;

/**
 * What is allowed but worth a word: a program in both lists, an interpreter that runs without asking, a folder that opens everything,
 * an override for a tool that does not exist (`tools`; an empty list means that they are unknown).
 * Says nothing while the syntax is wrong or a key stands twice.
 */
export function adviceOn(text: string, tools: readonly string[]): Finding[] {
  const { root, problems } = parseJsonc(text);
  if (root === undefined || problems.length > 0) return [];
  const locate = createLocator(text);
  return [...commandAdvice(root), ...folderAdvice(root), ...overrideAdvice(root, tools)].map(
    ({ code, severity, message, node: { offset, length }, path, instead }) => ({
      code, severity, message, path: pathText(path), ...locate(offset), offset, length,
      ...(instead === undefined ? {} : { fix: { title: `Change to ${instead}`, offset, length, newText: JSON.stringify(instead) } }),
    }),
  );
}

const allowedPath = ['plugins', 'shell', 'allowedCommands'];
const approvalPath = ['plugins', 'shell', 'requireApproval'];

function commandAdvice(root: Node): Advice[] {
  const asking = new Set(textItems(root, approvalPath).map(({ text }) => text));
  return [
    ...textItems(root, allowedPath).flatMap((item) => {
      const said = allowedSentence(item.text, asking);
      return said === undefined ? [] : [{ ...said, node: item.node, path: item.path }];
    }),
    ...repeated(textItems(root, allowedPath)),
    ...repeated(textItems(root, approvalPath)),
  ];
}

function allowedSentence(name: string, asking: ReadonlySet<string>): Pick<Advice, 'code' | 'severity' | 'message'> | undefined {
  if (asking.has(name)) {
    return { code: 'config.bothLists', severity: 'warning', message: `"${name}" stands in requireApproval, too, which wins: each call asks. Keep it in one list.` };
  }
  if (launchers.has(name)) {
    return { code: 'config.launcher', severity: 'information', message: `"${name}" can start any other program, so most of its forms ask although it stands here.` };
  }
  if (interpreters.has(name)) {
    const message = `"${name}" runs code that stands in files, and agents write files: without asking, it can do whatever you can. requireApproval is the safer list.`;
    return { code: 'config.interpreter', severity: 'information', message };
  }
  return undefined;
}

function repeated(items: readonly TextItem[]): Advice[] {
  const seen = new Set<string>();
  return items.flatMap(({ text, node, path }) => {
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ code: 'config.repeated', severity: 'information', message: `${JSON.stringify(text)} stands in this list already.`, node, path }];
  });
}

function folderAdvice(root: Node): Advice[] {
  return textItems(root, ['plugins', 'filesystem', 'allowedPaths'])
    .filter(({ text }) => /^(?:\/+|~[\\/]*|[A-Za-z]:[\\/]+)$/.test(text))
    .map(({ text, node, path }) => {
      const opened = text.startsWith('~') ? 'your whole home folder, with keys and passwords in it' : 'the whole disk';
      return { code: 'config.broadFolder', severity: 'warning', message: `This opens ${opened}. Name the folders that agents need.`, node, path };
    });
}

function overrideAdvice(root: Node, tools: readonly string[]): Advice[] {
  if (tools.length === 0) return [];
  const path = ['circuitBreaker', 'overrides'];
  return (findNodeAtLocation(root, path)?.children ?? []).flatMap((property) => {
    const [key] = property.children ?? [];
    const name: unknown = key?.value;
    if (key === undefined || typeof name !== 'string' || tools.includes(name)) return [];
    const near = closest(name, tools);
    const message = `There is no tool ${JSON.stringify(name)}.${near === undefined ? '' : ` Did you mean "${near}"?`}`;
    return [{ code: 'config.unknownTool', severity: 'warning' as const, message, node: key, path: [...path, name], ...(near === undefined ? {} : { instead: near }) }];
  });
}

type TextItem = Readonly<{ text: string; node: Node; path: readonly (string | number)[] }>;

function textItems(root: Node, path: readonly string[]): TextItem[] {
  const list = findNodeAtLocation(root, [...path]);
  if (list?.type !== 'array') return [];
  return (list.children ?? []).flatMap((node, index) => (node.type === 'string' ? [{ text: String(node.value), node, path: [...path, index] }] : []));
}
