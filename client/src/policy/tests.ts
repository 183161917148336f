import { Location, Range, TestMessage, TestRunProfileKind, TestRunRequest, tests, type CancellationToken, type TestController, type TestItem, type TestRun, type TestRunProfile } from 'vscode';
import { tally, type Tally } from '../../../protocol/src/proofs';
import type { Proof, VectorProblem, VectorSummary } from '../../../protocol/src/vectors';
import { messageOf, type Broker } from '../broker';
import type { Disposable } from '../lifetime';
import { vectorUri } from './documents';
import { callLines, expectedText, failureText, groupVectors, vectorDescription, vectorLabel } from './words';

/** Name of the controller in the Test Explorer. */
export const controllerId = 'conductor.policy';

const firstLine = new Range(0, 0, 0, 0);

/** The attack vectors as tests: running one asks the broker what the rules in force say of it, and nothing else. */
export class VectorTests implements Disposable {
  private readonly controller: TestController = tests.createTestController(controllerId, 'Conductor: Attack Vectors');
  private readonly profile: TestRunProfile;
  private readonly listening: Disposable;
  /** Requests that are run anew whenever the rules change. */
  private readonly continuous = new Set<TestRunRequest>();
  private loading: Promise<void> | undefined;

  constructor(private readonly broker: Broker) {
    this.controller.resolveHandler = (item) => (item === undefined ? this.loaded() : undefined);
    this.controller.refreshHandler = () => this.load();
    this.profile = this.controller.createRunProfile('Prove', TestRunProfileKind.Run, (request, token) => this.handle(request, token), true, undefined, true);
    this.listening = broker.on('config/changed', () => this.rulesChanged());
  }

  /** Proves every vector; undefined when that could not be done. */
  async proveAll(): Promise<Tally | undefined> {
    await this.load();
    return this.prove(new TestRunRequest(undefined, undefined, this.profile));
  }

  dispose(): void {
    this.listening.dispose();
    this.controller.dispose();
  }

  private async handle(request: TestRunRequest, token: CancellationToken): Promise<void> {
    if (request.continuous === true) {
      this.continuous.add(request);
      token.onCancellationRequested(() => this.continuous.delete(request));
    }
    await this.loaded();
    await this.prove(request, token);
  }

  /** What was found belongs to the rules before. */
  private rulesChanged(): void {
    this.controller.invalidateTestResults();
    for (const request of this.continuous) void this.prove(request);
  }

  private loaded(): Promise<void> {
    return this.controller.items.size > 0 ? Promise.resolve() : this.load();
  }

  private load(): Promise<void> {
    this.loading ??= this.fetch().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async fetch(): Promise<void> {
    try {
      const { vectors, problems } = await this.broker.request('policy/vectors', {});
      const groups = groupVectors(vectors).map(({ id, label, sortText, vectors: members }) => {
        const group = this.controller.createTestItem(id, label);
        group.sortText = sortText;
        group.children.replace(members.map((vector) => this.itemOf(vector)));
        return group;
      });
      this.controller.items.replace([...groups, ...problems.map((problem, index) => this.problemItem(problem, index))]);
    } catch (error) {
      const item = this.controller.createTestItem('unavailable', 'The vectors are not available');
      item.error = messageOf(error);
      this.controller.items.replace([item]);
    }
  }

  private itemOf(vector: VectorSummary): TestItem {
    const item = this.controller.createTestItem(vector.id, vectorLabel(vector), vectorUri(vector.id));
    item.description = vectorDescription(vector);
    item.range = firstLine;
    return item;
  }

  private problemItem({ file, line, column, message }: VectorProblem, index: number): TestItem {
    const item = this.controller.createTestItem(`problem-${index}`, file);
    item.error = `${file}:${line}:${column}: ${message}`;
    return item;
  }

  private async prove(request: TestRunRequest, token?: CancellationToken): Promise<Tally | undefined> {
    const items = this.leavesOf(request);
    const run = this.controller.createTestRun(request);
    try {
      for (const item of items.values()) run.started(item);
      const { proofs } = await this.broker.request('policy/prove', { ids: [...items.keys()] }, token);
      for (const proof of proofs) report(run, items.get(proof.id), proof);
      return tally(proofs);
    } catch (error) {
      const message = new TestMessage(`The rules were not asked. ${messageOf(error)}`);
      for (const item of items.values()) run.errored(item, message);
      return undefined;
    } finally {
      run.end();
    }
  }

  /** The vectors that a request means, by id. */
  private leavesOf({ include, exclude = [] }: TestRunRequest): ReadonlyMap<string, TestItem> {
    const leaves = new Map<string, TestItem>();
    const visit = (item: TestItem): void => {
      if (exclude.includes(item)) return;
      if (item.children.size > 0) item.children.forEach(visit);
      else if (item.error === undefined) leaves.set(item.id, item);
    };
    if (include === undefined) this.controller.items.forEach(visit);
    else include.forEach(visit);
    return leaves;
  }
}

function report(run: TestRun, item: TestItem | undefined, proof: Proof): void {
  if (item === undefined) return;
  const lines = callLines(proof);
  run.appendOutput(`${proof.outcome}: ${proof.id}\r\n${lines.map((line) => `  ${line}\r\n`).join('')}`, undefined, item);
  if (proof.outcome === 'held') return run.passed(item);
  const message = TestMessage.diff(failureText(proof), expectedText(proof.outcome), lines.join('\n'));
  if (item.uri !== undefined) message.location = new Location(item.uri, firstLine);
  run.failed(item, message);
}
