/** What the embedded kubelet does with pods and claims, on the embedded API and, with KUBEBUILDER_ASSETS, on a real one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { objectsAt, textAt, valueAt, type JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';
import type { KubeletDelays } from '../../src/embedded/kubernetes/kubelet/delays.ts';
import { createKubelet, type Kubelet } from '../../src/embedded/kubernetes/kubelet/kubelet.ts';
import { eventually, nameOf, openApi, type ContractApi } from './contract-api.ts';
import { claimManifest, podManifest, smallPod } from './manifests.ts';
import { targets } from './targets.ts';

const quick: KubeletDelays = {
  scheduleMs: 1,
  provisionMs: 1,
  pullMs: 10,
  slowPullMs: 60_000,
  createMs: 5,
  startupMs: 20,
  readyMs: 20,
  failAfterMs: 20,
  settleMs: 40,
  backOffMs: 200,
  backOffLimitMs: 60_000,
  probeSecondMs: 20,
  stopMs: 50,
  unboundPatienceMs: 300,
  heartbeatMs: 60_000,
};

const statusOf = (pod: JsonObject, container: string): JsonObject | undefined =>
  objectsAt(pod, 'status', 'containerStatuses').find((status) => status['name'] === container);

const conditionOf = (pod: JsonObject, type: string): JsonObject | undefined =>
  objectsAt(pod, 'status', 'conditions').find((condition) => condition['type'] === type);

const isReady = (pod: JsonObject): boolean => conditionOf(pod, 'Ready')?.['status'] === 'True';

describe.each(targets)('the kubelet on $name', (target) => {
  let running: ContractApi | undefined;
  const kubelets: Kubelet[] = [];
  const api = (): ContractApi => {
    if (running === undefined) throw new Error('The API is not started yet.');
    return running;
  };
  const startKubelet = async (delays: Partial<KubeletDelays> = {}): Promise<Kubelet> => {
    const kubelet = createKubelet({ kubeConfig: api().kubeConfig, delays: { ...quick, ...delays } });
    kubelets.push(kubelet);
    await kubelet.start();
    return kubelet;
  };
  const get = async (path: string): Promise<JsonObject> => (await api().get(path)).body;
  /** Makes a pod of one container with this image and returns it once it is as wanted. */
  const podWith = async (image: string, test: (pod: JsonObject) => boolean, spec: JsonObject = {}) => {
    const namespace = await api().newNamespace();
    const manifest = smallPod('pod');
    const containers = [{ name: 'main', image: `registry.example.com/team/${image}`, ...spec }];
    const created = await api().post(namespace.pods, { ...manifest, spec: { containers } });
    expect(created.code).toBe(201);
    const pod = await eventually(async () => await get(`${namespace.pods}/pod`), test);
    return { pod, path: `${namespace.pods}/pod`, namespace };
  };
  const waitingFor = (reason: string) => (pod: JsonObject) =>
    textAt(statusOf(pod, 'main'), 'state', 'waiting', 'reason') === reason;
  const eventsOf = async (events: string, name: string): Promise<string[]> => {
    const answer = await api().get(events, { fieldSelector: `involvedObject.name=${name}` });
    return objectsAt(answer.body, 'items').map(
      (event) => `${textAt(event, 'type')} ${textAt(event, 'reason')}: ${textAt(event, 'message')}`,
    );
  };

  beforeAll(async () => {
    running = await openApi(target);
  });
  afterEach(async () => {
    for (const kubelet of kubelets.splice(0)) await kubelet.stop();
  });
  afterAll(async () => {
    await running?.close();
  });

  it('registers a node that is ready', async () => {
    await startKubelet();
    const node = await get('/api/v1/nodes/embedded');
    expect(objectsAt(node, 'status', 'conditions')).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True', reason: 'KubeletReady' })]),
    );
  });

  it('binds the claim of a pod and makes its three containers ready, step by step', async () => {
    await startKubelet();
    const { pods, claims, events, name: namespace } = await api().newNamespace();
    const watch = await api().watch(pods, {});
    await api().post(claims, claimManifest('workspace'));
    await api().post(pods, podManifest('pod', { claim: 'workspace' }));
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
    expect(watch.events.some(({ object }) => textAt(object, 'status', 'phase') === 'Running' && !isReady(object))).toBe(
      true,
    );

    expect(textAt(pod, 'spec', 'nodeName')).toBe('embedded');
    expect(pod['status']).toMatchObject({
      phase: 'Running',
      podIP: expect.stringMatching(/^10\.244\./),
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
    const claim = await get(`${claims}/workspace`);
    expect(claim['status']).toMatchObject({
      phase: 'Bound',
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
    });
    expect(textAt(claim, 'spec', 'volumeName')).toBe(`pvc-${textAt(claim, 'metadata', 'uid')}`);
    const told = await eventually(
      async () => await eventsOf(events, 'pod'),
      (lines) => lines.length >= 10,
    );
    expect(told).toContain(`Normal Scheduled: Successfully assigned ${namespace}/pod to embedded`);
    expect(told).toContain('Normal Started: Started container opencode-server');
  });

  it('finishes the deletion of a pod, then lets its claim and its volume go', async () => {
    await startKubelet();
    const { pods, claims } = await api().newNamespace();
    await api().post(claims, claimManifest('workspace'));
    await api().post(pods, podManifest('pod', { claim: 'workspace' }));
    await eventually(async () => await get(`${pods}/pod`), isReady);
    const volume = `/api/v1/persistentvolumes/${textAt(await get(`${claims}/workspace`), 'spec', 'volumeName')}`;
    expect((await api().get(volume)).code).toBe(200);

    await api().remove(`${claims}/workspace`);
    await eventually(
      async () => await get(`${claims}/workspace`),
      (claim) => textAt(claim, 'metadata', 'deletionTimestamp') !== '',
    );
    // The claim stays while the pod uses it.
    expect((await api().get(`${claims}/workspace`)).code).toBe(200);
    const watch = await api().watch(pods, { resourceVersion: textAt(await get(pods), 'metadata', 'resourceVersion') });
    await api().remove(`${pods}/pod`);
    await watch.next(({ type }) => type === 'DELETED');
    watch.stop();
    expect(
      watch.events.some(({ object }) => textAt(object, 'metadata', 'deletionTimestamp') !== '' && !isReady(object)),
    ).toBe(true);
    for (const path of [`${pods}/pod`, `${claims}/workspace`, volume]) {
      await eventually(
        async () => (await api().get(path)).code,
        (code) => code === 404,
      );
    }
  });

  it('backs off from an image that does not exist', async () => {
    await startKubelet({ backOffMs: 5000 });
    const { pod, namespace } = await podWith('not-found:v1', waitingFor('ImagePullBackOff'));
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
    const told = await eventually(
      async () => await eventsOf(namespace.events, 'pod'),
      (lines) => lines.length >= 5,
    );
    expect(told).toContain('Warning Failed: Error: ErrImagePull');
    expect(told.some((line) => line.includes('not-found:v1: not found'))).toBe(true);
  });

  it('tries to pull again after the pause, and counts the failures in one event', async () => {
    await startKubelet({ backOffMs: 60 });
    const { namespace } = await podWith('denied:v1', waitingFor('ErrImagePull'));
    const counted = await eventually(
      async () =>
        objectsAt(await get(namespace.events), 'items').find((event) => event['message'] === 'Error: ErrImagePull'),
      (event) => Number(event?.['count'] ?? 0) >= 2,
    );
    expect(counted).toMatchObject({ type: 'Warning', reason: 'Failed' });
  });

  it.each([
    ['crash:v1', 1, 'Error'],
    ['exit-3:v1', 3, 'Error'],
    ['oom:v1', 137, 'OOMKilled'],
  ])('restarts a container of %s and then backs off', async (image, exitCode, reason) => {
    await startKubelet({ backOffMs: 5000 });
    const { pod, namespace } = await podWith(image, waitingFor('CrashLoopBackOff'));
    expect(statusOf(pod, 'main')).toMatchObject({
      restartCount: 1,
      ready: false,
      state: { waiting: { message: expect.stringContaining('back-off 5s restarting failed container=main pod=pod_') } },
      lastState: { terminated: { exitCode, reason, finishedAt: expect.any(String) } },
    });
    expect(textAt(pod, 'status', 'phase')).toBe('Running');
    const told = await eventually(
      async () => await eventsOf(namespace.events, 'pod'),
      (lines) => lines.some((line) => line.includes('BackOff')),
    );
    expect(told.some((line) => line.startsWith('Warning BackOff: Back-off restarting failed container'))).toBe(true);
  });

  it('keeps restarting a container that keeps crashing', async () => {
    await startKubelet({ backOffMs: 30 });
    const { pod } = await podWith('crash:v1', (seen) => Number(statusOf(seen, 'main')?.['restartCount'] ?? 0) >= 3);
    expect(statusOf(pod, 'main')?.['restartCount']).toBeGreaterThanOrEqual(3);
  });

  it('says why a pod finds no node', async () => {
    await startKubelet();
    const { pod, namespace } = await podWith(
      'unschedulable:v1',
      (seen) => conditionOf(seen, 'PodScheduled') !== undefined,
    );
    const message = '0/1 nodes are available: 1 Insufficient cpu.';
    expect(conditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
    expect(textAt(pod, 'status', 'phase')).toBe('Pending');
    const told = await eventually(
      async () => await eventsOf(namespace.events, 'pod'),
      (lines) => lines.length >= 1,
    );
    expect(told).toContain(`Warning FailedScheduling: ${message}`);
  });

  it('does not place more on the node than fits, and goes on when there is room', async () => {
    await startKubelet();
    const big = { resources: { requests: { cpu: '3000' } } };
    const first = await podWith('big:v1', isReady, big);
    const second = await podWith('big:v1', (seen) => conditionOf(seen, 'PodScheduled')?.['status'] === 'False', big);
    await api().remove(first.path);
    const pod = await eventually(async () => await get(second.path), isReady);
    expect(textAt(pod, 'spec', 'nodeName')).toBe('embedded');
    await api().remove(second.path, { gracePeriodSeconds: 0 });
  });

  it('waits for a claim that is made after its pod', async () => {
    await startKubelet();
    const { pods, claims } = await api().newNamespace();
    await api().post(pods, podManifest('pod', { claim: 'late' }));
    const waiting = await eventually(
      async () => await get(`${pods}/pod`),
      (pod) => conditionOf(pod, 'PodScheduled') !== undefined,
    );
    expect(textAt(conditionOf(waiting, 'PodScheduled'), 'message')).toContain('persistentvolumeclaim "late" not found');
    await api().post(claims, claimManifest('late'));
    const pod = await eventually(async () => await get(`${pods}/pod`), isReady);
    expect(conditionOf(pod, 'PodScheduled')).toMatchObject({ status: 'True' });
  });

  it('says why a claim gets no volume', async () => {
    await startKubelet();
    const { claims, events } = await api().newNamespace();
    const manifest = claimManifest('workspace');
    await api().post(claims, {
      ...manifest,
      spec: { ...(manifest['spec'] as JsonObject), storageClassName: 'no-such-class' },
    });
    const told = await eventually(
      async () => await eventsOf(events, 'workspace'),
      (lines) => lines.length >= 1,
    );
    expect(told).toEqual(['Warning ProvisioningFailed: storageclass.storage.k8s.io "no-such-class" not found']);
    expect(textAt(await get(`${claims}/workspace`), 'status', 'phase')).toBe('Pending');
  });

  it('leaves a container unready whose readiness probe fails, and restarts one whose liveness probe fails', async () => {
    await startKubelet();
    const probe = { httpGet: { path: '/health', port: 80 }, periodSeconds: 1, failureThreshold: 2 };
    const unready = await podWith('never-ready:v1', (pod) => statusOf(pod, 'main')?.['started'] === true, {
      readinessProbe: probe,
    });
    const restarted = await podWith('liveness:v1', (pod) => Number(statusOf(pod, 'main')?.['restartCount'] ?? 0) >= 1, {
      livenessProbe: probe,
    });
    expect(valueAt(statusOf(restarted.pod, 'main'), 'lastState', 'terminated')).toMatchObject({ exitCode: 137 });
    expect(statusOf(await get(unready.path), 'main')?.['ready']).toBe(false);
    const told = await eventually(
      async () => await eventsOf(unready.namespace.events, 'pod'),
      (lines) => lines.some((line) => line.includes('Unhealthy')),
    );
    expect(told.some((line) => line.startsWith('Warning Unhealthy: Readiness probe failed'))).toBe(true);
  });

  it('ends pods that are not restarted as Succeeded or Failed', async () => {
    await startKubelet();
    const { pods } = await api().newNamespace();
    for (const [name, image] of [
      ['good', 'exit-0:v1'],
      ['bad', 'exit-2:v1'],
    ] as const) {
      await api().post(pods, {
        ...smallPod(name),
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] },
      });
    }
    const good = await eventually(
      async () => await get(`${pods}/good`),
      (pod) => textAt(pod, 'status', 'phase') === 'Succeeded',
    );
    const bad = await eventually(
      async () => await get(`${pods}/bad`),
      (pod) => textAt(pod, 'status', 'phase') === 'Failed',
    );
    expect(valueAt(statusOf(good, 'main'), 'state', 'terminated')).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(valueAt(statusOf(bad, 'main'), 'state', 'terminated')).toMatchObject({ exitCode: 2, reason: 'Error' });
  });

  it('goes on with the pods after it was stopped, and finishes what was asked meanwhile', async () => {
    const first = await startKubelet();
    const { pods } = await api().newNamespace();
    await api().post(pods, podManifest('stays'));
    await api().post(pods, podManifest('goes'));
    const before = await eventually(async () => await get(`${pods}/stays`), isReady);
    await eventually(async () => await get(`${pods}/goes`), isReady);
    await first.stop();
    await api().remove(`${pods}/goes`);
    await api().post(pods, podManifest('comes'));
    expect((await api().get(`${pods}/goes`)).code).toBe(200);

    await startKubelet();
    await eventually(
      async () => (await api().get(`${pods}/goes`)).code,
      (code) => code === 404,
    );
    await eventually(async () => await get(`${pods}/comes`), isReady);
    expect(await get(`${pods}/stays`)).toEqual(before);
    expect(objectsAt(await get(pods), 'items').map(nameOf)).toEqual(['comes', 'stays']);
  });
});
