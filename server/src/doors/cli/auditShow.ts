import type { Command } from 'commander';
import type { StoredEntry } from '../../../../protocol/src/audit/entry';
import { ConductorError } from '../../../../protocol/src/errors';
import { parseStatement } from '../../../../protocol/src/statement';
import { createAuditReader, type AuditItem, type AuditReader } from '../../audit/read/reader';
import { openSnapshots } from '../../audit/content/snapshots';
import { withBroker } from './approvals';
import { print, run, safe } from './terminal';

/** `conductor audit show` and `measure`: one entry, the policy that judged it, what a person was shown, and the counts that it names. */
export function addAuditShow(audit: Command, logFile: (given: string | undefined) => string, configDir: () => string): void {
  audit
    .command('show')
    .argument('<entry>', 'number or id of the entry; the id of a call is that of its first entry')
    .description('Show one entry, the policy that it was judged by, or the counts that it names')
    .option('--policy', 'the policy by which it was judged, as it was then')
    .option('--metrics', 'the counts of its moment, where it names some')
    .option('--shown', 'what the person was shown who signed the answer in it')
    .option('--raw', 'the line as it stands in the log')
    .option('--file <file>', 'another log than the one in use')
    .action((entry: string, options: ShowOptions) => run(() => show(entry, logFile(options.file), options)));

  audit.command('measure').description('Keep the counts of this moment, and name them in the log').action(() =>
    run(() =>
      withBroker(configDir(), async (broker) => {
        print((await broker.request('audit/measure', {})).hash);
        return 0;
      }),
    ),
  );
}

type ShowOptions = Readonly<{ policy?: boolean; metrics?: boolean; shown?: boolean; raw?: boolean; file?: string }>;

async function show(wanted: string, log: string, { policy, metrics, shown, raw }: ShowOptions): Promise<number> {
  const { entry, raw: line } = await findEntry(createAuditReader(log), wanted);
  const kept = openSnapshots(log);
  if (policy === true) print(safe(kept.read(hashIn(policyHashOf(entry), entry, 'policy')).text));
  else if (metrics === true) print(safe(kept.read(hashIn(entry.input['metrics'], entry, 'counts')).text));
  else if (shown === true) print(safe(kept.read(hashIn(parseStatement(entry.approval?.signed?.statement ?? '')?.shown, entry, 'question')).text));
  else print(raw === true ? line : safe(JSON.stringify(entry, undefined, 2)));
  return 0;
}

/** The entry with this number or id. Throws NOT_FOUND. */
export async function findEntry(reader: AuditReader, wanted: string): Promise<Extract<AuditItem, { entry: StoredEntry }>> {
  const item = /^\d{1,15}$/.test(wanted) ? await reader.entry({ seq: Number(wanted) }) : await byId(reader, wanted);
  if (item?.entry === undefined) throw new ConductorError('NOT_FOUND', `The log has no entry ${wanted}.`, { next: 'Look for it with "conductor audit list".' });
  return item;
}

async function byId(reader: AuditReader, id: string): Promise<AuditItem | undefined> {
  let before: number | undefined;
  do {
    const { items, next } = await reader.page({ filter: { text: id }, ...(before === undefined ? {} : { before }) });
    const found = items.find(({ entry }) => entry?.id === id);
    if (found !== undefined) return found;
    before = next;
  } while (before !== undefined);
  return undefined;
}

/** A change of the configuration names the policy that holds from then on. */
function policyHashOf({ verdict, input }: StoredEntry): unknown {
  return verdict?.policyHash ?? input['policyHash'];
}

function hashIn(hash: unknown, { seq }: StoredEntry, what: string): string {
  if (typeof hash === 'string' && /^(?:sha256:)?[0-9a-f]{64}$/.test(hash)) return hash;
  throw new ConductorError('NOT_FOUND', `Entry ${String(seq)} names no ${what}.`, { next: 'Outcomes name none: ask for the entry of the decision, which has the id of the call.' });
}
