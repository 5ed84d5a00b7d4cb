import { describe, expect, it } from 'vitest';

import { explainPod, summarizeContainers } from './explain-pod.ts';
import { kubernetesPodSchema } from './kubernetes-pod.ts';

const names = ['opencode-server', 'file-browser', 'session-proxy'];
const running = {
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: '2026-01-01T10:00:00Z' } },
  lastState: {},
};

function pod(options: { status?: object; metadata?: object; first?: object; nodeName?: string | null; init?: object }) {
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

const waiting = (reason: string, message?: string) => ({ ready: false, state: { waiting: { reason, message } } });

describe('explainPod', () => {
  it('calls a pod ready when it runs and every container is ready', () => {
    expect(explainPod(pod({}))).toEqual({ state: 'ready', reason: 'ready', sentence: 'All 3 containers are ready.' });
  });

  it('does not believe the phase Running while a container crash-loops', () => {
    const crashing = pod({
      first: {
        ...waiting('CrashLoopBackOff'),
        restartCount: 4,
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      },
    });
    expect(crashing.status.phase).toBe('Running');
    expect(explainPod(crashing)).toMatchObject({
      state: 'failing',
      reason: 'crash-loop',
      sentence: 'Container opencode-server ended with exit code 1. It is started again by itself (4 restarts so far).',
    });
  });

  it.each([
    [{ exitCode: 137, reason: 'OOMKilled' }, 'out-of-memory', /ran out of memory/],
    [{ exitCode: 139, reason: 'Error' }, 'crash-loop', /signal 11/],
    [{ exitCode: 0, reason: 'Completed' }, 'completed-loop', /exit code 0/],
    [{ exitCode: 128, reason: 'StartError' }, 'start-error', /exit code 128/],
  ])('tells %j apart', (terminated, reason, words) => {
    const explained = explainPod(pod({ first: { ...waiting('CrashLoopBackOff'), lastState: { terminated } } }));
    expect(explained).toMatchObject({ state: 'failing', reason, sentence: expect.stringMatching(words) as string });
  });

  it.each([
    ['rpc error: code = NotFound desc = failed to pull and unpack image: not found', 'image-not-found'],
    ['failed to authorize: 401 Unauthorized', 'image-denied'],
    ['pull access denied, repository does not exist or may require authorization', 'image-not-found'],
    ['dial tcp: lookup registry.example.com: no such host', 'image-pull-failed'],
  ])('reads the registry answer %j', (message, reason) => {
    const explained = explainPod(pod({ status: { phase: 'Pending' }, first: waiting('ImagePullBackOff', message) }));
    expect(explained).toMatchObject({ state: 'failing', reason });
    expect(explained.sentence).toContain('registry.example.com/opencode-server:v1');
  });

  it('says why no node can take the pod, and waits quietly while none has been looked for', () => {
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    const stuck = pod({ nodeName: null, status: { phase: 'Pending', conditions, containerStatuses: [] } });
    expect(explainPod(stuck)).toMatchObject({
      state: 'failing',
      reason: 'unschedulable',
      sentence: expect.stringContaining(message) as string,
    });
    const fresh = pod({ nodeName: null, status: { phase: 'Pending', conditions: [], containerStatuses: [] } });
    expect(explainPod(fresh)).toMatchObject({ state: 'starting', reason: 'waiting-for-node' });
  });

  it('counts ready containers on the way up', () => {
    expect(explainPod(pod({ first: { ready: false } }))).toMatchObject({
      state: 'starting',
      sentence: expect.stringContaining('2 of 3') as string,
    });
    const creating = pod({
      status: { phase: 'Pending', containerStatuses: names.map((name) => ({ name, ...waiting('ContainerCreating') })) },
    });
    expect(explainPod(creating)).toMatchObject({ state: 'starting', reason: 'creating' });
  });

  it('stays with the crash while the container runs again but is not ready yet', () => {
    const lastState = { terminated: { exitCode: 137, reason: 'OOMKilled' } };
    const again = { ...running, ready: false, restartCount: 2, lastState };
    expect(explainPod(pod({ first: again }))).toMatchObject({ state: 'failing', reason: 'out-of-memory' });
    expect(explainPod(pod({ first: { ...again, ready: true } }))).toMatchObject({ state: 'ready' });
  });

  it('takes the end of a container for trouble even with exit code 0, but not that of an init container', () => {
    const ended = { state: { terminated: { exitCode: 0, reason: 'Completed' } } };
    expect(explainPod(pod({ first: { ...ended, ready: false } }))).toMatchObject({ reason: 'completed-loop' });
    expect(explainPod(pod({ init: { ...ended, ready: true } }))).toMatchObject({ state: 'ready' });
  });

  it('names the init container that failed', () => {
    const failing = pod({
      status: { phase: 'Pending' },
      init: { ...waiting('CrashLoopBackOff'), lastState: { terminated: { exitCode: 128, reason: 'Error' } } },
    });
    expect(explainPod(failing)).toMatchObject({
      reason: 'init-failed',
      sentence: expect.stringContaining('clone-repository') as string,
    });
  });

  it('lets deletion and the end of the pod go before its containers', () => {
    expect(explainPod(pod({ metadata: { deletionTimestamp: '2026-01-01T11:00:00Z' } }))).toMatchObject({
      state: 'stopping',
    });
    expect(
      explainPod(
        pod({ status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } }),
      ),
    ).toMatchObject({
      state: 'failed',
      reason: 'evicted',
      sentence: expect.stringContaining('low on resource: memory.') as string,
    });
  });
});

describe('summarizeContainers', () => {
  it('lists the containers of the spec in their order, also those without a status yet', () => {
    const early = pod({ status: { phase: 'Pending', containerStatuses: [] } });
    expect(summarizeContainers(early).map(({ name, state, ready }) => ({ name, state, ready }))).toEqual(
      names.map((name) => ({ name, state: 'waiting', ready: false })),
    );
  });

  it('keeps the end of the previous run in words', () => {
    const restarted = pod({
      first: { restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } },
    });
    expect(summarizeContainers(restarted)[0]).toMatchObject({
      restarts: 1,
      lastExit: 'ran out of memory and was killed (exit code 137)',
    });
  });
});
