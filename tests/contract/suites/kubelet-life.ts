import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { eventually, nameOf } from '../contract-api.ts';
import { conditionOf, isReady, statusOf, type KubeletHarness } from '../kubelet-harness.ts';
import { claimManifest, podManifest, smallPod } from '../manifests.ts';

export function describeKubeletLife(harness: () => KubeletHarness): void {
  describe('the life of a pod', () => {
    it('needs a node, which the kubelet registers as ready', async () => {
      await harness().startKubelet();
      const node = await harness().get('/api/v1/nodes/embedded');
      expect(objectsAt(node, 'status', 'conditions')).toEqual(
        expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True', reason: 'KubeletReady' })]),
      );
    });

    it('starts with a bound claim, then its three containers become ready one by one', async () => {
      await harness().startKubelet();
      const { pods, claims, events, name: namespace } = await harness().api.newNamespace();
      const watch = await harness().api.watch(pods, {});
      await harness().api.post(claims, claimManifest('workspace'));
      await harness().api.post(pods, podManifest('pod', { claim: 'workspace' }));
      const { object: pod } = await watch.next(({ object }) => isReady(object));
      watch.stop();

      const phases = watch.events.map(({ object }) => textAt(object, 'status', 'phase'));
      expect(phases[0]).toBe('Pending');
      expect([...new Set(phases)]).toEqual(['Pending', 'Running']);
      const readyCounts = watch.events.map(
        ({ object }) =>
          objectsAt(object, 'status', 'containerStatuses').filter((status) => status['ready'] === true).length,
      );
      expect(readyCounts).toEqual(readyCounts.toSorted((left, right) => left - right));
      expect(
        watch.events.some(({ object }) => textAt(object, 'status', 'phase') === 'Running' && !isReady(object)),
      ).toBe(true);

      expect(textAt(pod, 'spec', 'nodeName')).toBe('embedded');
      expect(pod['status']).toMatchObject({
        phase: 'Running',
        podIP: expect.stringMatching(/^192\.0\.2\./),
        startTime: expect.any(String),
        qosClass: 'Burstable',
      });
      for (const name of ['file-browser', 'opencode-server', 'session-proxy']) {
        expect(statusOf(pod, name)).toMatchObject({
          name,
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: expect.any(String) } },
          containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/),
        });
      }
      for (const type of ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled']) {
        expect(conditionOf(pod, type)).toMatchObject({ status: 'True' });
      }
      const claim = await harness().get(`${claims}/workspace`);
      expect(claim['status']).toMatchObject({
        phase: 'Bound',
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
      });
      expect(textAt(claim, 'spec', 'volumeName')).toBe(`pvc-${textAt(claim, 'metadata', 'uid')}`);
      const lines = await eventually(
        async () => await harness().eventsOf(events, 'pod'),
        (found) => found.length >= 10,
      );
      expect(lines).toContain(`Normal Scheduled: Successfully assigned ${namespace}/pod to embedded`);
      expect(lines).toContain('Normal Started: Started container opencode-server');
    });

    it('ends with a deletion, after which its deleted claim and its volume are gone too', async () => {
      await harness().startKubelet();
      const { pods, claims } = await harness().api.newNamespace();
      await harness().api.post(claims, claimManifest('workspace'));
      await harness().api.post(pods, podManifest('pod', { claim: 'workspace' }));
      await eventually(async () => await harness().get(`${pods}/pod`), isReady);
      const volume = `/api/v1/persistentvolumes/${textAt(await harness().get(`${claims}/workspace`), 'spec', 'volumeName')}`;
      expect((await harness().api.get(volume)).code).toBe(200);

      await harness().api.remove(`${claims}/workspace`);
      await eventually(
        async () => await harness().get(`${claims}/workspace`),
        (claim) => textAt(claim, 'metadata', 'deletionTimestamp') !== '',
      );
      // The claim stays while the pod uses it.
      expect((await harness().api.get(`${claims}/workspace`)).code).toBe(200);
      const watch = await harness().api.watch(pods, {
        resourceVersion: textAt(await harness().get(pods), 'metadata', 'resourceVersion'),
      });
      await harness().api.remove(`${pods}/pod`);
      await watch.next(({ type }) => type === 'DELETED');
      watch.stop();
      expect(
        watch.events.some(({ object }) => textAt(object, 'metadata', 'deletionTimestamp') !== '' && !isReady(object)),
      ).toBe(true);
      for (const path of [`${pods}/pod`, `${claims}/workspace`, volume]) {
        await eventually(
          async () => (await harness().api.get(path)).code,
          (code) => code === 404,
        );
      }
    });

    it('waits for a claim that is created after the pod', async () => {
      await harness().startKubelet();
      const { pods, claims } = await harness().api.newNamespace();
      await harness().api.post(pods, podManifest('pod', { claim: 'late' }));
      const waiting = await eventually(
        async () => await harness().get(`${pods}/pod`),
        (pod) => conditionOf(pod, 'PodScheduled') !== undefined,
      );
      expect(textAt(conditionOf(waiting, 'PodScheduled'), 'message')).toContain(
        'persistentvolumeclaim "late" not found',
      );
      await harness().api.post(claims, claimManifest('late'));
      const pod = await eventually(async () => await harness().get(`${pods}/pod`), isReady);
      expect(conditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'True' });
    });

    it('ends as Succeeded or Failed when its containers are not restarted', async () => {
      await harness().startKubelet();
      const { pods } = await harness().api.newNamespace();
      for (const [name, image] of [
        ['good', 'exit-0:v1'],
        ['bad', 'exit-2:v1'],
      ] as const) {
        await harness().api.post(pods, {
          ...smallPod(name),
          spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] },
        });
      }
      const good = await eventually(
        async () => await harness().get(`${pods}/good`),
        (pod) => textAt(pod, 'status', 'phase') === 'Succeeded',
      );
      const bad = await eventually(
        async () => await harness().get(`${pods}/bad`),
        (pod) => textAt(pod, 'status', 'phase') === 'Failed',
      );
      expect(valueAt(statusOf(good, 'main'), 'state', 'terminated')).toMatchObject({
        exitCode: 0,
        reason: 'Completed',
      });
      expect(valueAt(statusOf(bad, 'main'), 'state', 'terminated')).toMatchObject({ exitCode: 2, reason: 'Error' });
    });

    it('continues after a restart of the kubelet, which also carries out the requests made meanwhile', async () => {
      const first = await harness().startKubelet();
      const { pods } = await harness().api.newNamespace();
      await harness().api.post(pods, podManifest('kept'));
      await harness().api.post(pods, podManifest('removed'));
      const before = await eventually(async () => await harness().get(`${pods}/kept`), isReady);
      await eventually(async () => await harness().get(`${pods}/removed`), isReady);
      await first.stop();
      await harness().api.remove(`${pods}/removed`);
      await harness().api.post(pods, podManifest('added'));
      expect((await harness().api.get(`${pods}/removed`)).code).toBe(200);

      await harness().startKubelet();
      await eventually(
        async () => (await harness().api.get(`${pods}/removed`)).code,
        (code) => code === 404,
      );
      await eventually(async () => await harness().get(`${pods}/added`), isReady);
      expect(await harness().get(`${pods}/kept`)).toEqual(before);
      expect(objectsAt(await harness().get(pods), 'items').map(nameOf)).toEqual(['added', 'kept']);
    });
  });
}
