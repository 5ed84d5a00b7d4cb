import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { describe, expect, vi } from 'vitest';

import type { FaultyKubernetes } from '../support/faulty-kubernetes.ts';
import { it } from '../support/worker-test.ts';

const promisedMs = 60_000;

/** From now on the cluster accepts these tokens and no others. */
function accept({ tokens }: FaultyKubernetes, ...accepted: string[]): void {
  tokens.clear();
  for (const token of accepted) tokens.add(token);
}

/**
 * Worker variables for a user whose token is in a file. The kubeconfig is what the client library uses inside a cluster; there
 * the path of the file is fixed, so that only root could write it.
 */
async function useTokenFile(kubernetes: FaultyKubernetes) {
  const tokenFile = join(dirname(kubernetes.kubeconfigPath), 'token');
  const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
  return {
    variables: { KUBECONFIG: await kubernetes.kubeconfigFor(user) },
    /** Replaces the file in one step, as the kubelet does. */
    async write(token: string) {
      await writeFile(`${tokenFile}.new`, token);
      await rename(`${tokenFile}.new`, tokenFile);
    },
    remove: () => rm(tokenFile),
  };
}

function resetWatches({ watches }: FaultyKubernetes): void {
  for (const watch of watches) watch.reset();
}

const untilWatching = ({ watches }: FaultyKubernetes, timeout: number) =>
  vi.waitFor(() => expect(watches.size).toBe(3), { timeout });

describe('fault 13: 401, the token is rotated, or the token file is missing', () => {
  it('the worker reports that its credentials are refused, recovers by itself, and keeps running pods', async ({
    system,
  }) => {
    const { kubernetes } = system;
    await system.startWorker();
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready', observedGeneration: 1 });
    const tokens = [...kubernetes.tokens];
    accept(kubernetes);
    resetWatches(kubernetes);
    const project = await system.create();
    const refused = await system.until(project.id, { status: 'initializing', reason: 'unauthorized' });
    expect(refused.actor).toBe('administrator');
    accept(kubernetes, ...tokens);
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await untilWatching(kubernetes, 10_000);
    expect(await system.read(known.id)).toEqual(before);
  }, 90_000);

  it('the worker recovers by itself even when all attempts were used up', async ({ system }) => {
    const { kubernetes } = system;
    const tokens = [...kubernetes.tokens];
    accept(kubernetes);
    await system.startWorker();
    const project = await system.create({ queued: false });
    await system.jobs.add('create-pod', { projectId: project.id }, { attempts: 1 });
    await system.until(project.id, { reason: 'unauthorized' });
    accept(kubernetes, ...tokens);
    const ready = await system.until(project.id, { status: 'ready', podError: null }, 10_000);
    expect(ready.generation).toBe(project.generation);
  });

  it('the worker reads a token file again after its token was rotated and the old token is refused', async ({
    system,
  }) => {
    const { kubernetes } = system;
    const { variables, write } = await useTokenFile(kubernetes);
    accept(kubernetes, 'old');
    await write('old');
    await system.startWorker(variables);
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready' });
    accept(kubernetes, 'new');
    resetWatches(kubernetes);
    const project = await system.create();
    await system.until(project.id, { reason: 'unauthorized' });
    await write('new');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await untilWatching(kubernetes, promisedMs);
    expect(await system.read(known.id)).toEqual(before);
  }, 90_000);

  it('the worker reads a kubeconfig again after it was replaced and the old token is refused', async ({ system }) => {
    const { kubernetes } = system;
    accept(kubernetes, 'old');
    const KUBECONFIG = await kubernetes.kubeconfigFor({ token: 'old' });
    await system.startWorker({ KUBECONFIG });
    accept(kubernetes, 'new');
    const project = await system.create();
    await system.until(project.id, { reason: 'unauthorized' });
    await rename(await kubernetes.kubeconfigFor({ token: 'new' }), KUBECONFIG);
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
  }, 90_000);

  it('the worker starts without a token file, and continues when the file appears', async ({ system }) => {
    const { kubernetes } = system;
    const { variables, write } = await useTokenFile(kubernetes);
    accept(kubernetes, 'first');
    await system.startWorker(variables);
    const project = await system.create();
    const waiting = await system.until(project.id, { status: 'initializing', reason: 'unauthorized' });
    expect(waiting.message).toMatch(/cannot read its credentials/);
    await write('first');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await untilWatching(kubernetes, 10_000);
  }, 90_000);

  it('the worker survives that the token file is missing for a while, and then uses the new token', async ({
    system,
  }) => {
    const { kubernetes } = system;
    const { variables, write, remove } = await useTokenFile(kubernetes);
    accept(kubernetes, 'old');
    await write('old');
    await system.startWorker(variables);
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready' });
    await remove();
    accept(kubernetes, 'new');
    resetWatches(kubernetes);
    const project = await system.create();
    await vi.waitFor(async () => expect((await system.read(project.id)).podError).not.toBeNull(), 10_000);
    await write('new');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    expect(await system.read(known.id)).toEqual(before);
  }, 90_000);
});
