import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  createWorkerSystem,
  startQuickCluster,
  type QuickCluster,
  type WorkerSystem,
} from '../support/worker-system.ts';

let cluster: QuickCluster;
let system: WorkerSystem;

beforeAll(async () => {
  cluster = await startQuickCluster();
});
afterAll(() => cluster.stop());
beforeEach(async () => {
  system = await createWorkerSystem(cluster);
});
afterEach(() => system.stop());

const promisedMs = 60_000;

/** From now on the cluster lets in whoever bears one of these tokens, and nobody else. */
function accept(...tokens: string[]): void {
  system.kubernetes.tokens.clear();
  for (const token of tokens) system.kubernetes.tokens.add(token);
}

/**
 * Worker variables for a user whose token is in a file, in the words of the configuration that the client library makes up
 * for itself inside a cluster. There the file's place is fixed, and nobody but root could put one there.
 */
async function useTokenFile() {
  const tokenFile = join(dirname(system.kubernetes.kubeconfigPath), 'token');
  const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
  return {
    variables: { KUBECONFIG: await system.kubernetes.kubeconfigFor(user) },
    /** In one step, as the kubelet does. */
    async write(token: string) {
      await writeFile(`${tokenFile}.new`, token);
      await rename(`${tokenFile}.new`, tokenFile);
    },
    remove: () => rm(tokenFile),
  };
}

describe('fault 13: 401, token rotated, token file missing', () => {
  it('says that the credentials are refused, goes on by itself, and leaves what runs as it is', async () => {
    await system.startWorker();
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready' });
    const tokens = [...system.kubernetes.tokens];
    accept();
    for (const watch of system.kubernetes.watches) watch.reset();
    const project = await system.create();
    const refused = await system.until(project.id, { status: 'initializing', reason: 'unauthorized' });
    expect(refused).toMatchObject({
      message: 'The cluster does not accept our credentials.',
      nextStep: expect.stringContaining('goes on by itself') as string,
      actor: 'administrator',
    });
    accept(...tokens);
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
    expect(await system.read(known.id)).toEqual(before);
  });

  it('goes on by itself even when all attempts were used up meanwhile', async () => {
    const tokens = [...system.kubernetes.tokens];
    accept();
    await system.startWorker();
    const project = await system.create({ queued: false });
    await system.jobs.add('create-pod', { projectId: project.id }, { attempts: 1 });
    await system.until(project.id, { reason: 'unauthorized' });
    accept(...tokens);
    const ready = await system.until(project.id, { status: 'ready', podError: null }, 10_000);
    expect(ready.generation).toBe(project.generation);
  });

  it('takes a token that was replaced while the old one was let in no longer', async () => {
    const { variables, write } = await useTokenFile();
    accept('old');
    await write('old');
    await system.startWorker(variables);
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready' });
    accept('new');
    for (const watch of system.kubernetes.watches) watch.reset();
    const project = await system.create();
    await system.until(project.id, { reason: 'unauthorized' });
    await write('new');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), { timeout: promisedMs });
    expect(await system.read(known.id)).toEqual(before);
  }, 90_000);

  it('takes a kubeconfig that was renewed while the old one was let in no longer', async () => {
    accept('old');
    const KUBECONFIG = await system.kubernetes.kubeconfigFor({ token: 'old' });
    await system.startWorker({ KUBECONFIG });
    accept('new');
    const project = await system.create();
    await system.until(project.id, { reason: 'unauthorized' });
    await rename(await system.kubernetes.kubeconfigFor({ token: 'new' }), KUBECONFIG);
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
  }, 90_000);

  it('starts without the file, and goes on when it comes', async () => {
    const { variables, write } = await useTokenFile();
    accept('first');
    await system.startWorker(variables);
    const project = await system.create();
    const waiting = await system.until(project.id, { status: 'initializing', reason: 'unauthorized' });
    expect(waiting.message).toMatch(/cannot read its credentials.*administrator must put them in place/);
    await write('first');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    await vi.waitFor(() => expect(system.kubernetes.watches.size).toBe(3), 10_000);
  }, 90_000);

  it('survives that the file is missing for a while, and takes the token that is in it afterwards', async () => {
    const { variables, write, remove } = await useTokenFile();
    accept('old');
    await write('old');
    await system.startWorker(variables);
    const known = await system.create();
    const before = await system.until(known.id, { status: 'ready' });
    await remove();
    accept('new');
    for (const watch of system.kubernetes.watches) watch.reset();
    const project = await system.create();
    await vi.waitFor(async () => expect((await system.read(project.id)).podError).not.toBeNull(), 10_000);
    await write('new');
    await system.until(project.id, { status: 'ready', podError: null }, promisedMs);
    expect(await system.read(known.id)).toEqual(before);
  }, 90_000);
});
