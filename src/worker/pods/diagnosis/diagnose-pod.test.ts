import { describe, expect, it } from 'vitest';

import { kubernetesEventSchema } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { deadlines } from './deadlines.ts';
import { diagnosePod } from './diagnose-pod.ts';
import { diagnoseGone } from './gone-pods.ts';
import { summarizeContainers } from './summarize-containers.ts';

const names = ['opencode-server', 'file-browser', 'session-proxy'];
const running = {
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: '2026-01-01T10:00:00Z' } },
  lastState: {},
};

function podOf(options: {
  status?: object;
  metadata?: object;
  first?: object;
  nodeName?: string | null;
  init?: object;
}) {
  const { first = {}, nodeName = 'node-1', init } = options;
  return kubernetesPodSchema.parse({
    metadata: {
      name: 'project-x',
      namespace: 'opencode',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: new Date('2026-01-01T10:00:00Z'),
      ...options.metadata,
    },
    spec: {
      ...(nodeName === null ? {} : { nodeName }),
      containers: names.map((name) => ({ name, image: `registry.example.com/${name}:v1` })),
    },
    status: {
      phase: 'Running',
      conditions: [{ type: 'PodScheduled', status: 'True' }],
      containerStatuses: names.map((name, index) => ({ name, ...running, ...(index === 0 ? first : {}) })),
      ...(init ? { initContainerStatuses: [{ name: 'clone-repository', ...init }] } : {}),
      ...options.status,
    },
  });
}

const start = Date.parse('2026-01-01T10:00:00Z');
const diagnose = (pod: KubernetesPod, { afterMs = 1_000, events = [] as object[] } = {}) =>
  diagnosePod({
    pod,
    claim: null,
    events: events.map((event) => kubernetesEventSchema.parse(event)),
    now: start + afterMs,
  });

const waiting = (reason: string, message?: string) => ({ ready: false, state: { waiting: { reason, message } } });

describe('diagnosePod', () => {
  it('reports a start, not a crash, of a container that starts again after a stop of its node', () => {
    const lastState = { terminated: { exitCode: 255, reason: 'Unknown' } };
    const diagnosis = diagnose(podOf({ first: { ready: false, restartCount: 1, lastState } }));
    expect(diagnosis).toMatchObject({ state: 'starting' });
  });

  it('reports ready when the pod runs and every container is ready', () => {
    expect(diagnose(podOf({}))).toMatchObject({
      state: 'ready',
      reason: 'ready',
      message: expect.stringContaining('3') as string,
      actor: 'nobody',
      evidence: [],
    });
  });

  it('reports a crash loop although the phase is Running', () => {
    const crashing = podOf({
      first: {
        ...waiting('CrashLoopBackOff'),
        restartCount: 4,
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      },
    });
    expect(crashing.status.phase).toBe('Running');
    expect(diagnose(crashing)).toMatchObject({
      state: 'failing',
      reason: 'crash-loop',
      message: expect.stringContaining('opencode-server ended with exit code 1') as string,
      nextStep: expect.stringContaining('started again by itself (4 restarts so far)') as string,
    });
  });

  it.each([
    [{ exitCode: 137, reason: 'OOMKilled' }, 'out-of-memory', /ran out of memory/],
    [{ exitCode: 139, reason: 'Error' }, 'crash-loop', /signal 11/],
    [{ exitCode: 0, reason: 'Completed' }, 'completed-loop', /exit code 0/],
    [{ exitCode: 128, reason: 'StartError' }, 'start-error', /could not start/],
  ])('distinguishes the exit %j', (terminated, reason, message) => {
    const answer = diagnose(podOf({ first: { ...waiting('CrashLoopBackOff'), lastState: { terminated } } }));
    expect(answer).toMatchObject({ state: 'failing', reason, message: expect.stringMatching(message) as string });
  });

  it.each([
    ['rpc error: code = NotFound desc = failed to pull and unpack image: not found', 'image-not-found'],
    ['failed to authorize: 401 Unauthorized', 'image-denied'],
    ['pull access denied, repository does not exist or may require authorization', 'image-denied'],
    ['dial tcp: lookup registry.example.com: no such host', 'image-unreachable'],
    ['x509: certificate signed by unknown authority', 'image-untrusted'],
    ['429 Too Many Requests - toomanyrequests: You have reached your pull rate limit', 'image-rate-limited'],
    ['unexpected status from HEAD request: 503 Service Unavailable', 'image-unreachable'],
    ['an unknown message', 'image-pull-failed'],
  ])('finds the cause of a failed pull in %j', (message, reason) => {
    const answer = diagnose(podOf({ status: { phase: 'Pending' }, first: waiting('ImagePullBackOff', message) }));
    expect(answer).toMatchObject({ state: 'failing', reason });
    expect(answer.message).toContain('registry.example.com/opencode-server:v1');
  });

  it('says why no node can take the pod, and only waits before the scheduler has decided', () => {
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    const stuck = podOf({ nodeName: null, status: { phase: 'Pending', conditions, containerStatuses: [] } });
    expect(diagnose(stuck)).toMatchObject({
      state: 'failing',
      reason: 'unschedulable',
      message: expect.stringContaining('CPU') as string,
      evidence: [expect.objectContaining({ text: message }) as object],
    });
    const fresh = podOf({ nodeName: null, status: { phase: 'Pending', conditions: [], containerStatuses: [] } });
    expect(diagnose(fresh)).toMatchObject({ state: 'starting', reason: 'waiting-for-node' });
  });

  it('counts the ready containers during a start', () => {
    expect(diagnose(podOf({ first: { ready: false } }))).toMatchObject({
      state: 'starting',
      message: expect.stringContaining('2 of 3') as string,
    });
    const creating = podOf({
      status: { phase: 'Pending', containerStatuses: names.map((name) => ({ name, ...waiting('ContainerCreating') })) },
    });
    expect(diagnose(creating)).toMatchObject({ state: 'starting', reason: 'creating' });
  });

  it('reports the crash until the restarted container is ready', () => {
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    const again = { ...running, ready: false, restartCount: 2, lastState };
    expect(diagnose(podOf({ first: again }))).toMatchObject({ state: 'failing', reason: 'out-of-memory' });
    expect(diagnose(podOf({ first: { ...again, ready: true } }))).toMatchObject({ state: 'ready' });
  });

  it('treats exit code 0 as a failure, except for an init container', () => {
    const ended = { state: { terminated: { exitCode: 0, reason: 'Completed' } } };
    expect(diagnose(podOf({ first: { ...ended, ready: false } }))).toMatchObject({ reason: 'completed-loop' });
    expect(diagnose(podOf({ init: { ...ended, ready: true } }))).toMatchObject({ state: 'ready' });
  });

  it('names the init container that failed', () => {
    const failing = podOf({
      status: { phase: 'Pending' },
      init: { ...waiting('CrashLoopBackOff'), lastState: { terminated: { exitCode: 128, reason: 'Error' } } },
    });
    expect(diagnose(failing)).toMatchObject({
      reason: 'init-failed',
      message: expect.stringContaining('clone-repository') as string,
    });
  });

  it('reports that the pod is stopping or has ended before failures of its containers', () => {
    expect(diagnose(podOf({ metadata: { deletionTimestamp: '2026-01-01T11:00:00Z' } }))).toMatchObject({
      state: 'stopping',
    });
    expect(
      diagnose(
        podOf({ status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } }),
      ),
    ).toMatchObject({
      state: 'failed',
      reason: 'node-pressure',
      message: expect.stringContaining('short of memory') as string,
    });
  });
});

/** An event of the pod, this many seconds after its creation. */
const event = (reason: string, message: string, seconds: number, container = 'opencode-server') => ({
  metadata: {},
  involvedObject: { kind: 'Pod', name: 'project-x', uid: 'u', fieldPath: `spec.containers{${container}}` },
  type: 'Warning',
  reason,
  message,
  count: 1,
  lastTimestamp: new Date(start + seconds * 1_000),
});

describe('a slow start', () => {
  const silent = { status: { phase: 'Pending', conditions: [], containerStatuses: [] } };
  const creating = {
    status: { phase: 'Pending', containerStatuses: names.map((name) => ({ name, ...waiting('ContainerCreating') })) },
  };
  const pulling = { events: [event('Pulling', 'Pulling image "a"', 1)] };

  it.each([
    [
      'the scheduler',
      { ...silent, nodeName: null },
      {},
      deadlines.schedulingMs,
      'waiting-for-node',
      'waiting-for-node',
    ],
    ['the node', silent, {}, deadlines.nodeSilentMs, 'scheduled', 'node-silent'],
    ['an image pull', creating, pulling, deadlines.imagePullMs + 1_000, 'creating', 'image-pulling-slow'],
    ['a program', { first: { ready: false } }, {}, deadlines.containerStartMs, 'starting', 'starting-slow'],
  ])('because of %s is reported as slow at the time that recheckAt has announced', (...given) => {
    const [, shape, more, limitMs, before, after] = given;
    const early = diagnose(podOf(shape), { afterMs: limitMs - 1, ...more });
    expect(early).toMatchObject({ state: 'starting', reason: before, actor: 'nobody' });
    expect(early.recheckAt).toBe(new Date(start + limitMs).toISOString());
    const late = diagnose(podOf(shape), { afterMs: limitMs, ...more });
    expect(late).toMatchObject({ state: 'starting', reason: after });
    expect(late.message).not.toBe(early.message);
  });

  it('of a container with a startup probe is reported only after the time of the probe has passed too', () => {
    const slow = podOf({ first: { ready: false } });
    slow.spec.containers[0] = {
      name: 'opencode-server',
      image: 'a',
      startupProbe: { periodSeconds: 2, failureThreshold: 60 },
    };
    expect(diagnose(slow, { afterMs: 140_000 })).toMatchObject({ reason: 'starting' });
    expect(diagnose(slow, { afterMs: 150_000 })).toMatchObject({ reason: 'starting-slow' });
  });
});

describe('events', () => {
  const refused = event('Unhealthy', 'Readiness probe failed: dial tcp 10.0.0.1:3000: connect: connection refused', 3);
  const killed = event('Killing', 'Container opencode-server failed liveness probe, will be restarted', 5);

  it('a refused readiness check counts only after the time to open the port', () => {
    const opening = diagnose(podOf({ first: { ready: false } }), { afterMs: 4_000, events: [refused] });
    expect(opening).toMatchObject({
      reason: 'starting',
      recheckAt: new Date(start + deadlines.portClosedMs).toISOString(),
    });
    const closed = diagnose(podOf({ first: { ready: false } }), { afterMs: deadlines.portClosedMs, events: [refused] });
    expect(closed).toMatchObject({ state: 'failing', reason: 'readiness-failing' });
  });

  it.each([
    'MountVolume.SetUp failed for volume "access" : failed to sync secret cache: timed out waiting for the condition',
    'MountVolume.SetUp failed for volume "access" : object "opencode"/"access-x" not registered',
  ])('a mount failure that is common on a busy node counts only when it is repeated: %s', (message) => {
    const creating = podOf({
      status: { phase: 'Pending', containerStatuses: names.map((name) => ({ name, ...waiting('ContainerCreating') })) },
    });
    const failed = (lastSecond: number) => ({
      ...event('FailedMount', message, lastSecond),
      involvedObject: { kind: 'Pod', name: 'project-x', uid: 'u' },
      firstTimestamp: new Date(start + 1_000),
    });
    expect(diagnose(creating, { afterMs: 3_000, events: [failed(2)] })).toMatchObject({
      state: 'starting',
      reason: 'creating',
    });
    expect(diagnose(creating, { afterMs: 35_000, events: [failed(33)] })).toMatchObject({
      state: 'failing',
      reason: 'mount-failed',
      actor: 'administrator',
    });
  });

  it('a killing counts until the container is started again', () => {
    expect(diagnose(podOf({}), { afterMs: 6_000, events: [killed] })).toMatchObject({ reason: 'liveness-failing' });
    const restarted = { ...running, restartCount: 1, state: { running: { startedAt: new Date(start + 6_000) } } };
    expect(diagnose(podOf({ first: restarted }), { afterMs: 7_000, events: [killed] })).toMatchObject({
      reason: 'ready',
    });
  });

  it('events of an earlier pod with the same name are ignored', () => {
    const ofAnother = { ...killed, involvedObject: { ...killed.involvedObject, uid: 'before' } };
    expect(diagnose(podOf({}), { afterMs: 6_000, events: [ofAnother] })).toMatchObject({ reason: 'ready' });
  });

  it('an event without the uid of the pod counts if the pod existed at that time', () => {
    const leaving = podOf({ metadata: { deletionTimestamp: new Date(start + 9_000) } });
    const marked = (seconds: number) => ({
      ...event('TaintManagerEviction', 'Marking for deletion Pod opencode/project-x', seconds),
      involvedObject: { kind: 'Pod', name: 'project-x' },
    });
    expect(diagnose(leaving, { events: [marked(1)] })).toMatchObject({ state: 'lost', reason: 'node-lost' });
    expect(diagnose(leaving, { events: [marked(-1)] })).toMatchObject({ state: 'stopping', reason: 'stopping' });
  });
});

describe('diagnoseGone', () => {
  const about = (reason: string, message: string, type: string) =>
    kubernetesEventSchema.parse({
      metadata: {},
      involvedObject: { kind: 'Pod', name: 'project-x' },
      reason,
      message,
      type,
      lastTimestamp: new Date(start),
    });

  it.each([
    ['Evicted', 'The node was low on resource: memory. ', 'Warning', 'node-pressure'],
    ['Evicted', 'Usage of EmptyDir volume "tmp" exceeds the limit "64Mi". ', 'Warning', 'evicted'],
    ['Evicted', 'Evicted pod: Underutilized', 'Normal', 'drained'],
    ['ScaleDown', 'deleting pod for node scale down', 'Normal', 'drained'],
    ['TaintManagerEviction', 'Marking for deletion Pod opencode/project-x', 'Normal', 'pod-gone'],
    ['Killing', 'Stopping container opencode-server', 'Normal', 'pod-gone'],
  ])('says why the pod is gone by its last event: %s %s (%s)', (reason, message, type, expected) => {
    expect(diagnoseGone([about(reason, message, type)])).toMatchObject({ state: 'lost', reason: expected });
  });
});

describe('summarizeContainers', () => {
  it('lists the containers in the order of the spec, including those without a status', () => {
    const early = podOf({ status: { phase: 'Pending', containerStatuses: [] } });
    expect(summarizeContainers(early).map(({ name, state, ready }) => ({ name, state, ready }))).toEqual(
      names.map((name) => ({ name, state: 'waiting', ready: false })),
    );
  });

  it('describes how the previous run of a container ended', () => {
    const restarted = podOf({
      first: { restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
    });
    expect(summarizeContainers(restarted)[0]).toMatchObject({
      restarts: 1,
      lastExit: 'ran out of memory and was killed (exit code 137)',
    });
  });
});
