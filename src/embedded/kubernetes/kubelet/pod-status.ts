import { createHash } from 'node:crypto';

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

/** An address for a pod, always the same one. Nothing listens there. */
export function podAddress(uid: string): string {
  const [first = 0, second = 0] = createHash('sha256').update(uid).digest();
  return `10.244.${first}.${2 + (second % 250)}`;
}

/** What the kubelet first knows of each container. */
export function initialContainerStatus(container: JsonObject): JsonObject {
  return {
    name: textAt(container, 'name'),
    state: { waiting: { reason: 'ContainerCreating' } },
    lastState: {},
    ready: false,
    restartCount: 0,
    image: textAt(container, 'image'),
    imageID: '',
    started: false,
  };
}

/** The whole status of a pod, from its containers; conditions keep the time of their last change. */
export function podStatusOf(pod: KubeObject, containers: ReadonlyMap<string, JsonObject>, nowMs: number): JsonObject {
  const previous = isJsonObject(pod['status']) ? pod['status'] : {};
  // The kubelet lists them by name, whatever their order in the spec.
  const containerStatuses = [...containers.values()].toSorted((left, right) =>
    textAt(left, 'name') < textAt(right, 'name') ? -1 : 1,
  );
  const phase = phaseOf(textAt(pod, 'spec', 'restartPolicy'), containerStatuses);
  const hasNetwork = containerStatuses.some(
    (status) => textAt(status, 'state', 'waiting', 'reason') !== 'ContainerCreating',
  );
  const ip = podAddress(pod.metadata.uid);
  return {
    ...previous,
    phase,
    conditions: conditionsOf(pod, { phase, containers, nowMs }),
    hostIP: nodeAddress,
    ...(hasNetwork ? { podIP: ip, podIPs: [{ ip }] } : {}),
    startTime: previous['startTime'] ?? kubeTime(nowMs),
    containerStatuses,
    qosClass: previous['qosClass'],
  };
}

/** The phase, by the rules of the kubelet. */
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
  { phase, containers, nowMs }: { phase: string; containers: ReadonlyMap<string, JsonObject>; nowMs: number },
): JsonObject[] {
  const previous = objectsAt(pod, 'status', 'conditions');
  const unready = objectsAt(pod, 'spec', 'containers')
    .map((container) => textAt(container, 'name'))
    .filter((name) => containers.get(name)?.['ready'] !== true);
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const readiness: JsonObject =
    unready.length === 0 && phase === 'Running'
      ? { status: 'True' }
      : isOver
        ? { status: 'False', reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' }
        : {
            status: 'False',
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          };
  const wanted: JsonObject[] = [
    { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) },
    { type: 'Ready', ...readiness },
    { type: 'ContainersReady', ...readiness },
    { type: 'PodScheduled', status: 'True' },
  ];
  // What others have written beside them, such as DisruptionTarget, is theirs.
  const others = previous.filter((other) => wanted.every((condition) => condition['type'] !== other['type']));
  const own = wanted.map((condition) => {
    const before = previous.find((other) => other['type'] === condition['type']);
    const isSame = before !== undefined && before['status'] === condition['status'];
    return {
      ...condition,
      lastProbeTime: null,
      lastTransitionTime: isSame ? (before['lastTransitionTime'] ?? kubeTime(nowMs)) : kubeTime(nowMs),
    };
  });
  return [...own, ...others];
}
