import { createTwoFilesPatch, OMIT_HEADERS } from 'diff';
import type { Pending } from '../../../../protocol/src/approvals';
import { toConductorError } from '../../../../protocol/src/errors';
import { fitMarks, type FileChange, type FileContent } from '../../../../protocol/src/fileChanges';
import type { BrokerClient } from './brokerClient';
import { line, print, put, safe } from './terminal';

/** Milliseconds for comparing one file; without a comparison its text is shown. */
const patienceMs = 500;

/** Shows what a call would make of files, as lines with signs. */
export async function showFiles(broker: BrokerClient, { id, digest, files = [], contents = [] }: Pending): Promise<void> {
  if (files.length === 0) return;
  try {
    const found = await broker.request('approvals/content', { id, digest });
    if (!fitMarks(found.files, contents)) return print('  The files cannot be shown: what the broker sent is not what this call is about. Do not approve it, and report this.');
    for (const file of found.files) showFile(file);
  } catch (thrown) {
    print(`  The files cannot be shown: ${line(toConductorError(thrown).message)}`);
  }
}

function showFile({ path, before, after }: FileChange): void {
  put('  ', `File ${line(path)}`);
  const texts = [textOf(before), textOf(after)] as const;
  if (texts[0] === undefined || texts[1] === undefined) return print(`      from ${sideOf(before)} to ${sideOf(after)}`);
  const patch = createTwoFilesPatch('', '', texts[0], texts[1], undefined, undefined, { context: 3, timeout: patienceMs, headerOptions: OMIT_HEADERS });
  put('      | ', safe(patch ?? texts[1]).trimEnd());
}

/** Nothing compares like an empty file. */
function textOf(side: FileContent): string | undefined {
  return side.kind === 'unshown' ? undefined : side.kind === 'none' ? '' : side.text;
}

function sideOf(side: FileContent): string {
  return side.kind === 'none' ? 'nothing' : `${String(side.bytes)} bytes${side.kind === 'unshown' ? ` (${line(side.why)})` : ''}`;
}
