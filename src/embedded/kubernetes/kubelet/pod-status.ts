/** The status of a pod as the kubelet computes it from its containers. */

import { createHash } from 'node:crypto';

import { simulatedNetwork } from '../../../shared/node/access/pod-address.ts';
import {
  isJsonObject,
  kubeTime,
  objectsAt,
  textAt,
  valueAt,
  type JsonObject,
  type KubeObject,
} from '../api/kube-object.ts';

export const nodeAddress = '10.244.0.1';

/** The IP address of a simulated pod, derived from its uid. Nothing listens on it. */
export function podAddress(uid: string): string {
  const [first = 0] = createHash('sha256').update(uid).digest();
  return `${simulatedNetwork}${1 + (first % 254)}`;
}

/** The status of a container before its first step. */
export function initialContainerStatus(container: JsonObject, hasInits: boolean): JsonObject {
  return {
    name: textAt(container, 'name'),
    state: { waiting: { reason: hasInits ? 'PodInitializing' : 'ContainerCreating' } },
    lastState: {},
    ready: false,
    restartCount: 0,
    image: textAt(container, 'image'),
    imageID: '',
    started: false,
  };
}

/** The whole status of a pod, from its containers; conditions keep the time of their last change. */
export function podStatusOf(
  pod: KubeObject,
  { inits, containers, ip }: { inits: readonly JsonObject[]; containers: ReadonlyMap<string, JsonObject>; ip: string },
  nowMs: number,
): JsonObject {
  const previous = isJsonObject(pod['status']) ? pod['status'] : {};
  // As in the kubelet, they are listed by name, not in the order of the spec.
  const containerStatuses = [...containers.values()].toSorted((left, right) =>
    textAt(left, 'name') < textAt(right, 'name') ? -1 : 1,
  );
  const phase = phaseOf(textAt(pod, 'spec', 'restartPolicy'), containerStatuses);
  const hasNetwork = [...inits, ...containerStatuses].some(
    (status) => !/^(?:ContainerCreating|PodInitializing)$/.test(textAt(status, 'state', 'waiting', 'reason')),
  );
  return {
    ...previous,
    phase,
    conditions: conditionsOf(pod, { phase, inits, containers, nowMs }),
    hostIP: nodeAddress,
    ...(hasNetwork ? { podIP: ip, podIPs: [{ ip }] } : {}),
    startTime: previous['startTime'] ?? kubeTime(nowMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: [...inits] }),
    containerStatuses,
    qosClass: previous['qosClass'],
  };
}

/** The phase by the rules of the kubelet. */
function phaseOf(restartPolicy: string, statuses: readonly JsonObject[]): string {
  let waiting = 0;
  let running = 0;
  const exitCodes: unknown[] = [];
  for (const status of statuses) {
    const ended = valueAt(status, 'state', 'terminated') ?? valueAt(status, 'lastState', 'terminated');
    if (valueAt(status, 'state', 'running') !== undefined) running += 1;
    else if (ended === undefined) waiting += 1;
    else exitCodes.push(valueAt(ended, 'exitCode'));
  }
  if (waiting > 0 || statuses.length === 0) return 'Pending';
  if (running > 0 || restartPolicy === 'Always') return 'Running';
  if (exitCodes.every((code) => code === 0)) return 'Succeeded';
  return restartPolicy === 'Never' ? 'Failed' : 'Running';
}

function conditionsOf(
  pod: KubeObject,
  {
    phase,
    inits,
    containers,
    nowMs,
  }: { phase: string; inits: readonly JsonObject[]; containers: ReadonlyMap<string, JsonObject>; nowMs: number },
): JsonObject[] {
  const previous = objectsAt(pod, 'status', 'conditions');
  const unready = objectsAt(pod, 'spec', 'containers')
    .map((container) => textAt(container, 'name'))
    .filter((name) => containers.get(name)?.['ready'] !== true);
  const hasFinished = phase === 'Succeeded' || phase === 'Failed';
  const readiness: JsonObject =
    unready.length === 0 && phase === 'Running'
      ? { status: 'True' }
      : hasFinished
        ? { status: 'False', reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
        : {
            status: 'False',
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          };
  const unfinished = inits.filter((status) => status['ready'] !== true).map((status) => textAt(status, 'name'));
  const initialized: JsonObject =
    unfinished.length === 0
      ? { status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${unfinished.join(' ')}]`,
        };
  const computed: JsonObject[] = [
    { type: 'Initialized', ...initialized },
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
    { type: 'PodScheduled', status: 'True' },
  ];
  // Conditions of other components, such as DisruptionTarget, stay.
  const others = previous.filter((other) => computed.every((condition) => condition['type'] !== other['type']));
  const dated = computed.map((condition) => {
    const before = previous.find((other) => other['type'] === condition['type']);
    const isSame = before !== undefined && before['status'] === condition['status'];
    return {
      ...condition,
      lastProbeTime: null,
      lastTransitionTime: isSame ? (before['lastTransitionTime'] ?? kubeTime(nowMs)) : kubeTime(nowMs),
    };
  });
  return [...dated, ...others];
}
