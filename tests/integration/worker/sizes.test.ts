/** What a worker asks Kubernetes for, by the size of a project, on the embedded API and on a real one. */

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { changeProject } from '../../../src/shared/node/db/projects-repository.ts';
import { clusterKinds, type TestCluster } from '../../support/clusters.ts';
import { testSizesText } from '../../support/sizes.ts';
import { createWorkerSystem, type WorkerSystem } from '../../support/worker-system.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const limit = 60_000;
const variables = { PROJECT_SIZES: testSizesText };

describe.each(clusterKinds)('on $name', (kind) => {
  let cluster: TestCluster;
  let system: WorkerSystem;
  beforeAll(async () => {
    cluster = await kind.start();
    system = await createWorkerSystem({ ...cluster, compact: () => undefined });
  });
  afterAll(async () => {
    await system?.stop();
    await cluster?.stop();
  });

  const setSize = (id: string, patch: { size?: string | null; storage?: string | null }) =>
    changeProject(system.db, { id }, () => ({ patch }));
  async function openCodeOf(id: string) {
    const [pod] = await system.podsOf(id);
    return {
      resources: pod?.spec?.containers.find(({ name }) => name === 'opencode-server')?.resources,
      clone: pod?.spec?.initContainers?.[0]?.resources,
      size: pod?.metadata?.annotations?.['opencode-project-manager/size'],
    };
  }
  const storageOf = async (id: string) => (await system.claimsOf(id))[0]?.spec?.resources?.requests?.['storage'];
  const small = { limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '100m', memory: '512Mi' } };
  const medium = { limits: { cpu: '2', memory: '4Gi' }, requests: { cpu: '200m', memory: '1Gi' } };
  const large = { limits: { cpu: '4', memory: '8Gi' }, requests: { cpu: '1', memory: '4Gi' } };

  it('a project gets CPU, memory and storage of its size; a new size is used from the next restart, without a new volume', async () => {
    const { id } = await system.create({ queued: false });
    await setSize(id, { size: 'S', storage: '5Gi' });
    await system.startWorker(variables);
    await system.until(id, { status: 'ready' }, limit);
    expect(await openCodeOf(id)).toEqual({ resources: small, clone: small, size: 'S' });
    expect(await storageOf(id)).toBe('5Gi');
    const claim = await system.claimUid(id);

    expect(await system.read(id)).toMatchObject({ podSize: 'S' });

    await setSize(id, { size: 'L' });
    expect(await openCodeOf(id)).toMatchObject({ size: 'S' });
    expect(await system.read(id)).toMatchObject({ size: 'L', podSize: 'S' });
    const { generation } = await system.command(id, 'restart');
    await system.until(id, { status: 'ready', observedGeneration: generation }, limit);
    expect(await openCodeOf(id)).toEqual({ resources: large, clone: large, size: 'L' });
    expect([await system.claimUid(id), await storageOf(id)]).toEqual([claim, '5Gi']);

    expect(await system.read(id)).toMatchObject({ podSize: 'L' });
    await system.command(id, 'stop');
    await system.until(id, { status: 'stopped', podSize: null }, limit);
  });

  it('a project of an earlier version, or with a size that is gone, starts with the default size', async () => {
    const [earlier, gone] = [await system.create(), await system.create({ queued: false })];
    await setSize(gone.id, { size: 'XXL', storage: '7Gi' });
    for (const { id } of [earlier, gone]) {
      await system.until(id, { status: 'ready' }, limit);
      expect(await openCodeOf(id)).toEqual({ resources: medium, clone: medium, size: 'M' });
    }
    expect([await storageOf(earlier.id), await storageOf(gone.id)]).toEqual(['10Gi', '7Gi']);
  });
});
