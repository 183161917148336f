import type { BackendsState } from '../../protocol/src/externalServers';
import { until, type TestHouse } from './house';

/** Approves every external server of a household with all its tools, as a person would after looking at them. */
export async function trustAll(house: TestHouse): Promise<void> {
  const control = await house.control('cli');
  const look = (): Promise<BackendsState> => control.sendRequest<BackendsState>('backends/list', {});
  for (const { backend, identity } of (await look()).backends) await control.sendRequest('backends/approve', { backend, identity, tools: [] });
  const { backends } = await until('all servers told their tools', async () => {
    const state = await look();
    return state.backends.every(({ tools, enabled }) => tools !== null || !enabled) && state;
  });
  for (const { backend, identity, tools } of backends) await control.sendRequest('backends/approve', { backend, identity, tools: (tools ?? []).map(({ name, digest }) => ({ name, digest })) });
  control.end();
}
