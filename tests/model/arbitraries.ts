/** Arbitrary rows, pods and claims for the property tests of `decide` and `derive`. */

import fc from 'fast-check';

import { desiredStateSchema, podPhaseSchema, projectStatusSchema } from '../../src/shared/contract/states.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { kubernetesPodSchema, type KubernetesPod } from '../../src/worker/pods/kube/kubernetes-pod.ts';
import { generationAnnotation, projectIdLabel } from '../../src/worker/pods/kube/manifests.ts';
import type { Actual } from '../../src/worker/pods/reconcile/decide.ts';
import { recordFixture } from '../support/project-fixture.ts';
import { claimOf, podOf, testNow } from './fixtures.ts';

const foreignId = '11111111-2222-4333-8444-555555555555';

/** Rows as the product writes them: no generation was acknowledged or has failed before it was requested. */
export const anyRecord: fc.Arbitrary<ProjectRecord> = fc
  .record({
    desiredState: fc.constantFrom(...desiredStateSchema.options),
    status: fc.constantFrom(...projectStatusSchema.options),
    generation: fc.integer({ min: 1, max: 4 }),
    acknowledged: fc.boolean(),
    podGeneration: fc.integer({ min: 1, max: 4 }),
    failedPermanently: fc.boolean(),
    failure: fc.option(fc.string({ minLength: 1 })),
    podUid: fc.option(fc.constantFrom('uid-1', 'uid-0')),
  })
  .map(({ generation, acknowledged, podGeneration, failedPermanently, failure, ...rest }) =>
    recordFixture({
      ...rest,
      generation,
      observedGeneration: acknowledged ? generation : generation - 1,
      podGeneration: Math.min(podGeneration, generation),
      failedGeneration: failedPermanently ? generation : null,
      podError: failure ?? (failedPermanently ? 'It was refused.' : null),
      podErrorCode: failure !== null || failedPermanently ? 'cluster-error' : null,
    }),
  );

const time = fc.integer({ min: testNow - 20_000, max: testNow }).map((ms) => new Date(ms).toISOString());
const anyText = fc.oneof(
  fc.constantFrom('', 'Evicted', 'NodeLost', 'Unschedulable', 'OOMKilled', 'Unheard0f'),
  fc.string(),
);
const condition = fc.record(
  {
    type: fc.constantFrom('PodScheduled', 'Ready', 'Initialized', '__proto__'),
    status: fc.constantFrom('True', 'False', 'Unknown', ''),
    reason: anyText,
    message: anyText,
  },
  { requiredKeys: ['type', 'status'] },
);
const waitingReasons = [
  'ErrImagePull',
  'CreateContainerConfigError',
  'CrashLoopBackOff',
  'ContainerCreating',
  'toString',
];
const containerState = fc.record(
  {
    waiting: fc.record(
      { reason: fc.oneof(fc.constantFrom(...waitingReasons), fc.string()), message: anyText },
      { requiredKeys: [] },
    ),
    running: fc.record({ startedAt: fc.option(time) }, { requiredKeys: [] }),
    terminated: fc.record(
      { exitCode: fc.constantFrom(0, 1, 137, 255, -1), signal: fc.nat(20), reason: anyText, message: anyText },
      { requiredKeys: ['exitCode'] },
    ),
  },
  { requiredKeys: [] },
);
const names = ['opencode-server', 'file-browser', 'session-proxy'];
const containerStatuses = fc.subarray(names).chain((chosen) =>
  fc.tuple(
    ...chosen.map((name) =>
      fc.record(
        {
          name: fc.constant(name),
          ready: fc.boolean(),
          restartCount: fc.nat(3),
          state: containerState,
          lastState: containerState,
        },
        { requiredKeys: ['name'] },
      ),
    ),
  ),
);
/** Ready containers, so that ready pods occur often enough. */
const allReady = fc.constant(names.map((name) => ({ name, ready: true, state: { running: {} } })));

/**
 * Any pod with the row's name that the schema accepts: with missing fields, unknown reasons or foreign labels. Times are
 * times, a generation is a number, and every container status belongs to a container of the spec. The API server, the
 * worker and the kubelet guarantee that.
 */
const strangePod: fc.Arbitrary<KubernetesPod> = fc
  .record({
    uid: fc.constantFrom('uid-1', 'uid-2'),
    creationTimestamp: fc.oneof(
      time,
      time.map((iso) => new Date(iso)),
    ),
    deletionTimestamp: fc.oneof(
      { weight: 1, arbitrary: time },
      { weight: 3, arbitrary: fc.constantFrom(null, undefined) },
    ),
    owner: fc.oneof({ weight: 8, arbitrary: fc.constant('ours') }, fc.constantFrom('foreign', 'nobody')),
    generation: fc.option(fc.integer({ min: 1, max: 4 })),
    spec: fc.record(
      {
        nodeName: fc.constant('node'),
        containers: fc.subarray(names).map((chosen) => chosen.map((name) => ({ name }))),
      },
      { requiredKeys: [] },
    ),
    status: fc.option(
      fc.record(
        {
          phase: fc.constantFrom('Running' as const, ...podPhaseSchema.options),
          reason: anyText,
          message: anyText,
          conditions: fc.array(condition, { maxLength: 3 }),
          initContainerStatuses: containerStatuses,
          containerStatuses: fc.oneof(containerStatuses, allReady),
        },
        { requiredKeys: [] },
      ),
      { nil: undefined },
    ),
  })
  .map(({ owner, generation, spec, status, ...metadata }) => {
    const { id, podName } = recordFixture();
    const specNames = spec.containers?.map(({ name }) => name) ?? [];
    const statuses = status?.containerStatuses?.filter(
      ({ name }) => specNames.length === 0 || specNames.includes(name),
    );
    return kubernetesPodSchema.parse({
      metadata: {
        ...metadata,
        name: podName,
        namespace: 'opencode',
        resourceVersion: '10',
        ...(owner === 'nobody' ? {} : { labels: { [projectIdLabel]: owner === 'ours' ? id : foreignId } }),
        ...(generation === null ? {} : { annotations: { [generationAnnotation]: String(generation) } }),
      },
      spec,
      status: status && { ...status, ...(statuses && { containerStatuses: statuses }) },
    });
  });

/** Complete pods, so that ready pods and recently failed pods occur often enough. */
const completePod: fc.Arbitrary<KubernetesPod> = fc
  .record({
    generation: fc.integer({ min: 1, max: 4 }),
    phase: fc.constantFrom('Pending' as const, 'Running' as const, 'Running' as const, 'Failed' as const),
    ready: fc.boolean(),
    createdAt: time,
  })
  .map(podOf);

const anyClaim = fc
  .record({
    leaving: fc.boolean(),
    projectId: fc.oneof({ weight: 8, arbitrary: fc.constant(recordFixture().id) }, fc.constant(foreignId)),
  })
  .map(claimOf);

export const anyActual: fc.Arbitrary<Actual> = fc.record({
  pod: fc.oneof(fc.constant(null), completePod, strangePod, strangePod),
  claim: fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, { weight: 2, arbitrary: anyClaim }),
});
