import { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createScriptedKubernetes, type ScriptedKubernetes } from '../../../../tests/support/scripted-kubernetes.ts';
import { systemClock } from '../../../shared/clock.ts';
import { createKubernetesClient } from './kubernetes-client.ts';

let api: ScriptedKubernetes;
beforeEach(async () => {
  api = await createScriptedKubernetes();
});
afterEach(() => api.stop());

describe('a cluster whose address has a path', () => {
  it.each(['/k8s/clusters/c-1', '/k8s/clusters/c-1/'])('gets every request below %s', async (path) => {
    const kubeConfig = new KubeConfig();
    const server = `${api.kubeConfig.getCurrentCluster()?.server}${path}`;
    kubeConfig.loadFromClusterAndUser({ name: 'gateway', server, skipTLSVerify: true }, { name: 'tester' });
    const kubernetes = createKubernetesClient({
      loadKubeConfig: () => kubeConfig,
      namespace: 'test',
      clock: systemClock,
      random: () => 0,
    });
    const read = kubernetes.readPod('one').catch((error: unknown) => error);
    const reading = await api.next();
    reading.answer(500, '');
    await read;
    const listed = kubernetes.open('pods', {}, AbortSignal.timeout(5_000));
    const listing = await api.next();
    listing.list([], { resourceVersion: '1' });
    await listed;
    const base = '/k8s/clusters/c-1/api/v1/namespaces/test/pods';
    expect([reading.path, listing.path]).toEqual([`${base}/one`, base]);
  });
});
