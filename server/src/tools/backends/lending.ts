import type { ClientLine } from '../../../../protocol/src/call';
import { ConductorError } from '../../../../protocol/src/errors';
import { isRecord, rpc, type Answer } from '../../base/frames';
import { toolDigest } from '../../rules/backends/identity';
import { explained, looksUnconnected } from '../../rules/backends/networkTrouble';
import { unsafeError, unsafeOpening } from '../../rules/backends/opening';
import type { Backend, Own } from './backend';
import type { Connection } from './connection';
import { wantsReports } from './kept';
import { ownNews, toBackends, toClients } from './methods';
import { patience, type Ask } from './peer';
import type { Registry } from './registry';
import { mayUse, type Send } from './tool';

/** Sends requests of clients to a backend over the right connection, and lends it what the client and the policy let it use. */

/** Rounds of questions in one request, at most. */
const mostRounds = 16;

/** Makes the way to one backend. */
export function sendTo(backend: Backend, registry: Registry): Send {
  return async (method, params, line, ask) => {
    const lent = line === undefined ? {} : lentTo(backend.name, line, registry);
    const connection = await connectionFor(backend, { method, params }, line, lent);
    ask.ready(backend.tools ?? []);
    if (line !== undefined && method === 'tools/call' && (await backend.hasOwn(line.key)) === connection) await requireSameWords(backend, String(params['name']), line.key, connection);
    const timeoutMs = silenceOf(method, backend.profile.timeout_ms);
    const forgetful = line !== undefined && connection.server.era === 'stateless' ? line : undefined;
    const kept = forgetful === undefined ? undefined : await backend.kept.answer(connection, { method, params }, toldOnly(forgetful), { ...ask, timeoutMs });
    if (kept !== undefined) return kept;
    const wanted = forgetful === undefined ? params : backend.kept.reporting(params, forgetful.key);
    const reported = forgetful === undefined ? {} : reportsTo(forgetful, wanted, backend, registry);
    const forward = (sent: Readonly<Record<string, unknown>>): Promise<Answer> => connection.request({ method, params: sent, capabilities: lent }, { ...ask, ...reported, timeoutMs });
    let answer = await forward(wanted);
    for (let round = 0; isQuestion(answer); round += 1) {
      const questions = answer.result['inputRequests'];
      requireAskable(questions, lent);
      // A client that knows such rounds goes them itself, with everything as it came.
      if (line?.ask === undefined) return answer;
      if (round >= mostRounds) throw new ConductorError('TOO_LARGE', `The server asked back more than ${String(mostRounds)} times.`);
      const { requestState } = answer.result;
      answer = await forward({ ...wanted, inputResponses: await answersTo(backend.name, questions, line, ask.signal), ...(requestState === undefined ? {} : { requestState }) });
    }
    const flaw = answer.kind === 'error' ? unsafeError(answer.error) : undefined;
    if (flaw !== undefined) throw new ConductorError('DENIED', flaw);
    const why = looksUnconnected(answer) ? connection.transport.remarks() : '';
    return why === '' ? answer : explained(answer, why);
  };
}

/** Questions that a server answers with instead of a result, held against what it may ask. */
function requireAskable(questions: unknown, lent: Own['declared']): void {
  for (const question of isRecord(questions) ? Object.values(questions) : []) {
    const method = isRecord(question) && typeof question['method'] === 'string' ? question['method'] : 'something without a name';
    if (!isLent(lent, method)) throw new ConductorError('DENIED', `The server wants ${method}, which the policy does not list for it, or the agent cannot do.`);
    const flaw = unsafeOpening(method, isRecord(question) ? question['params'] : undefined);
    if (flaw !== undefined) throw new ConductorError('DENIED', flaw);
  }
}

/** A client, as far as it is told what is its own. */
function toldOnly({ key, tell }: ClientLine): Readonly<{ key: string; told: ClientLine['tell'] }> {
  return { key, told: (method, params) => { if (ownNews.has(method)) tell(method, params); } };
}

/** What a server reports of a request reaches the client that asked for it, where the policy lets it be asked. */
function reportsTo(line: ClientLine, params: Readonly<Record<string, unknown>>, backend: Backend, registry: Registry): Pick<Ask, 'reports'> {
  if (!wantsReports(params) || !mayUse(registry, backend.name, 'logging/setLevel', line.project)) return {};
  return { reports: { client: line.key, hear: (report) => toldOnly(line).told('notifications/message', report) } };
}

/** The result of a task comes when the task ends, so its silence may last as long as a call with progress. */
function silenceOf(method: string, timeoutMs: number): number {
  return method === 'tasks/result' ? Math.min(patience * timeoutMs, 86_400_000) : timeoutMs;
}

/** A server may tell one client other words than all the others, which nobody approved (T55). */
async function requireSameWords(backend: Backend, tool: string, key: string, connection: Connection): Promise<void> {
  const [here, everywhere] = [await backend.ownTools(key, connection), backend.tools ?? []].map((tools) => tools.find(({ name }) => name === tool));
  if (here !== undefined && everywhere !== undefined && toolDigest(here) === toolDigest(everywhere)) return;
  throw new ConductorError('BACKEND_QUARANTINED', `${backend.name} ${here === undefined ? `does not offer ${tool}` : `describes ${tool} in other words than were approved`} on the connection of this agent, so the call was not sent.`);
}

/** Everything that the policy lets a backend use of clients, as one would declare it who can do it all. */
export function lendable(backend: string, registry: Registry, project: string): Readonly<Record<string, unknown>> {
  const all: Readonly<Record<string, object>> = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };
  return Object.fromEntries([...toClients].filter(([method]) => mayUse(registry, backend, method, project)).map(([, { capability }]) => [capability, all[capability]]));
}

/** What of a client's abilities the policy lets this backend use, as the client declared it. */
function lentTo(backend: string, { capabilities, project }: ClientLine, registry: Registry): Readonly<Record<string, unknown>> {
  const lent = [...toClients].filter(([method, { capability }]) => isRecord(capabilities[capability]) && mayUse(registry, backend, method, project));
  return Object.fromEntries(lent.map(([, { capability }]) => [capability, capabilities[capability]]));
}

async function connectionFor(backend: Backend, { method, params }: Readonly<{ method: string; params: Readonly<Record<string, unknown>> }>, line: ClientLine | undefined, lent: Own['declared']): Promise<Connection> {
  const shared = await backend.shared();
  if (line === undefined || shared.server.era === 'stateless') return shared;
  const needed = (line.ask !== undefined && Object.keys(lent).length > 0) || toBackends.get(method)?.own === true || isRecord(params['task']);
  if (!needed) return (await backend.hasOwn(line.key)) ?? shared;
  const { ask } = line;
  return await backend.own({
    key: line.key,
    declared: ask === undefined ? {} : lent,
    listener: {
      asked: (asked, params, signal) => (ask === undefined || !isLent(lent, asked) ? Promise.resolve(unknown) : ask(backend.name, asked, params, signal)),
      told: toldOnly(line).told,
    },
  });
}

const unknown: Answer = { kind: 'error', error: { code: rpc.methodNotFound, message: 'Method not found' } };

function isLent(lent: Own['declared'], method: string): boolean {
  const capability = toClients.get(method)?.capability;
  return capability !== undefined && Object.hasOwn(lent, capability);
}

function isQuestion(answer: Answer): answer is Extract<Answer, { kind: 'result' }> {
  return answer.kind === 'result' && answer.result['resultType'] === 'input_required';
}

async function answersTo(backend: string, questions: unknown, line: ClientLine, signal: AbortSignal | undefined): Promise<Readonly<Record<string, unknown>>> {
  const answers: Record<string, unknown> = {};
  for (const [key, question] of isRecord(questions) ? Object.entries(questions) : []) {
    if (!isRecord(question) || typeof question['method'] !== 'string' || line.ask === undefined) continue;
    const answer = await line.ask(backend, question['method'], isRecord(question['params']) ? question['params'] : {}, signal ?? new AbortController().signal);
    if (answer.kind === 'error') throw new ConductorError('TOOL_FAILED', `The agent did not answer what the server asked: ${answer.error.message.slice(0, 300)}`);
    answers[key] = answer.result;
  }
  return answers;
}
