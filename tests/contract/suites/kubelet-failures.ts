import { describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../../src/embedded/kubernetes/api/kube-object.ts';
import { eventually } from '../contract-api.ts';
import { conditionOf, isReady, isWaitingFor, statusOf, type KubeletHarness } from '../kubelet-harness.ts';
import { claimManifest } from '../manifests.ts';

export function describeKubeletFailures(harness: () => KubeletHarness): void {
  describe('a failing pod or claim', () => {
    it('waits with ImagePullBackOff for an image that does not exist', async () => {
      await harness().startKubelet({ backOffMs: 5000 });
      const { pod, namespace } = await harness().podWith('not-found:v1', isWaitingFor('ImagePullBackOff'));
      expect(statusOf(pod, 'main')).toMatchObject({
        ready: false,
        restartCount: 0,
        state: { waiting: { message: 'Back-off pulling image "registry.example.com/team/not-found:v1"' } },
      });
      expect(textAt(pod, 'status', 'phase')).toBe('Pending');
      expect(conditionOf(pod, 'Ready')).toMatchObject({
        status: 'False',
        reason: 'ContainersNotReady',
        message: 'containers with unready status: [main]',
      });
      const events = await eventually(
        async () => await harness().eventsOf(namespace.events, 'pod'),
        (lines) => lines.length >= 5,
      );
      expect(events).toContain('Warning Failed: Error: ErrImagePull');
      expect(events.some((line) => line.includes('not-found:v1: not found'))).toBe(true);
    });

    it('pulls again after the pause, and counts the failures in one event', async () => {
      await harness().startKubelet({ backOffMs: 60 });
      const { namespace } = await harness().podWith('denied:v1', isWaitingFor('ErrImagePull'));
      const counted = await eventually(
        async () =>
          objectsAt(await harness().get(namespace.events), 'items').find(
            (event) => event['message'] === 'Error: ErrImagePull',
          ),
        (event) => Number(event?.['count'] ?? 0) >= 2,
      );
      expect(counted).toMatchObject({ type: 'Warning', reason: 'Failed' });
    });

    it.each([
      ['crash:v1', 1, 'Error'],
      ['exit-3:v1', 3, 'Error'],
      ['oom:v1', 137, 'OOMKilled'],
    ])('is restarted once with the image %s, then waits with CrashLoopBackOff', async (image, exitCode, reason) => {
      await harness().startKubelet({ backOffMs: 5000 });
      const { pod, namespace } = await harness().podWith(image, isWaitingFor('CrashLoopBackOff'));
      expect(statusOf(pod, 'main')).toMatchObject({
        restartCount: 1,
        ready: false,
        state: {
          waiting: { message: expect.stringContaining('back-off 5s restarting failed container=main pod=pod_') },
        },
        lastState: { terminated: { exitCode, reason, finishedAt: expect.any(String) } },
      });
      expect(textAt(pod, 'status', 'phase')).toBe('Running');
      const events = await eventually(
        async () => await harness().eventsOf(namespace.events, 'pod'),
        (lines) => lines.some((line) => line.includes('BackOff')),
      );
      expect(events.some((line) => line.startsWith('Warning BackOff: Back-off restarting failed container'))).toBe(
        true,
      );
    });

    it('is restarted again and again while its container crashes', async () => {
      await harness().startKubelet({ backOffMs: 30 });
      const { pod } = await harness().podWith(
        'crash:v1',
        (observed) => Number(statusOf(observed, 'main')?.['restartCount'] ?? 0) >= 3,
      );
      expect(statusOf(pod, 'main')?.['restartCount']).toBeGreaterThanOrEqual(3);
    });

    it('has the reason in its condition and in an event when no node fits', async () => {
      await harness().startKubelet();
      const { pod, namespace } = await harness().podWith(
        'unschedulable:v1',
        (observed) => conditionOf(observed, 'PodScheduled') !== undefined,
      );
      const message = '0/1 nodes are available: 1 Insufficient cpu.';
      expect(conditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
      expect(textAt(pod, 'status', 'phase')).toBe('Pending');
      const events = await eventually(
        async () => await harness().eventsOf(namespace.events, 'pod'),
        (lines) => lines.length >= 1,
      );
      expect(events).toContain(`Warning FailedScheduling: ${message}`);
    });

    it('is not scheduled while the node is full, and runs when there is room', async () => {
      await harness().startKubelet();
      const big = { resources: { requests: { cpu: '3000' } } };
      const first = await harness().podWith('big:v1', isReady, big);
      const second = await harness().podWith(
        'big:v1',
        (observed) => conditionOf(observed, 'PodScheduled')?.['status'] === 'False',
        big,
      );
      await harness().api.remove(first.path);
      const pod = await eventually(async () => await harness().get(second.path), isReady);
      expect(textAt(pod, 'spec', 'nodeName')).toBe('embedded');
      await harness().api.remove(second.path, { gracePeriodSeconds: 0 });
    });

    it('has an event with the reason when a claim gets no volume', async () => {
      await harness().startKubelet();
      const { claims, events: eventsPath } = await harness().api.newNamespace();
      const manifest = claimManifest('workspace');
      await harness().api.post(claims, {
        ...manifest,
        spec: { ...(manifest['spec'] as JsonObject), storageClassName: 'no-such-class' },
      });
      const events = await eventually(
        async () => await harness().eventsOf(eventsPath, 'workspace'),
        (lines) => lines.length >= 1,
      );
      expect(events).toEqual(['Warning ProvisioningFailed: storageclass.storage.k8s.io "no-such-class" not found']);
      expect(textAt(await harness().get(`${claims}/workspace`), 'status', 'phase')).toBe('Pending');
    });

    it('stays unready while its readiness probe fails, and is restarted when its liveness probe fails', async () => {
      await harness().startKubelet();
      const probe = { httpGet: { path: '/health', port: 80 }, periodSeconds: 1, failureThreshold: 2 };
      const unready = await harness().podWith('never-ready:v1', (pod) => statusOf(pod, 'main')?.['started'] === true, {
        readinessProbe: probe,
      });
      const restarted = await harness().podWith(
        'liveness:v1',
        (pod) => Number(statusOf(pod, 'main')?.['restartCount'] ?? 0) >= 1,
        {
          livenessProbe: probe,
        },
      );
      expect(valueAt(statusOf(restarted.pod, 'main'), 'lastState', 'terminated')).toMatchObject({ exitCode: 137 });
      expect(statusOf(await harness().get(unready.path), 'main')?.['ready']).toBe(false);
      const events = await eventually(
        async () => await harness().eventsOf(unready.namespace.events, 'pod'),
        (lines) => lines.some((line) => line.includes('Unhealthy')),
      );
      expect(events.some((line) => line.startsWith('Warning Unhealthy: Readiness probe failed'))).toBe(true);
    });
  });
}
