/** The columns that `kubectl get` prints for each kind. */

import { listAt, objectsAt, textAt, valueAt, type JsonObject, type KubeObject } from './kube-object.ts';
import type { Column } from './resource-definition.ts';

/** The age of an object as kubectl prints it: `119s`, `3m5s`, `30h`, `2y`. */
export function age(since: string, nowMs: number): string {
  const start = Date.parse(since);
  if (Number.isNaN(start)) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - start) / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return days < 730 ? `${days}d` : `${Math.floor(days / 365)}y`;
}

function column(name: string, description: string, cell: Column['cell'], rest: Partial<Column> = {}): Column {
  return { name, type: 'string', description, cell, ...rest };
}

const nameColumn = column('Name', 'Name must be unique within a namespace.', (object) => object.metadata.name, {
  format: 'name',
});

const ageColumn = column('Age', 'Time since the object was created.', (object, nowMs) =>
  age(object.metadata.creationTimestamp, nowMs),
);

const text = (name: string, description: string, path: string[], rest: Partial<Column> = {}): Column =>
  column(name, description, (object) => textAt(object, ...path), rest);

const orNone = (value: string): string => (value === '' ? '<none>' : value);

/** The status column of a pod: `ContainerCreating`, `CrashLoopBackOff`, `Terminating`. */
export function podStatusText(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  let status = textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase') || 'Unknown';
  const containers = objectsAt(pod, 'status', 'containerStatuses');
  let anyRunning = false;
  for (const container of containers.toReversed()) {
    const waiting = textAt(container, 'state', 'waiting', 'reason');
    const terminated = valueAt(container, 'state', 'terminated');
    if (waiting !== '') status = waiting;
    else if (terminated !== undefined) {
      const signal = textAt(terminated, 'signal');
      status =
        textAt(terminated, 'reason') ||
        (signal === '' || signal === '0' ? `ExitCode:${textAt(terminated, 'exitCode')}` : `Signal:${signal}`);
    } else if (container['ready'] === true && valueAt(container, 'state', 'running') !== undefined) anyRunning = true;
  }
  if (status !== 'Completed' || !anyRunning) return status;
  return objectsAt(pod, 'status', 'conditions').some((item) => item['type'] === 'Ready' && item['status'] === 'True')
    ? 'Running'
    : 'NotReady';
}

function restarts(pod: KubeObject, nowMs: number): string {
  const statuses = objectsAt(pod, 'status', 'containerStatuses');
  const total = statuses.reduce((sum, status) => sum + Number(status['restartCount'] ?? 0), 0);
  const last =
    statuses
      .map((status) => textAt(status, 'lastState', 'terminated', 'finishedAt'))
      .toSorted()
      .at(-1) ?? '';
  return total > 0 && last !== '' ? `${total} (${age(last, nowMs)} ago)` : `${total}`;
}

export const podColumns: readonly Column[] = [
  nameColumn,
  column('Ready', 'Ready containers of all containers.', (pod) => {
    const ready = objectsAt(pod, 'status', 'containerStatuses').filter((status) => status['ready'] === true).length;
    return `${ready}/${listAt(pod, 'spec', 'containers').length}`;
  }),
  column('Status', 'The status of the pod.', (pod) => podStatusText(pod)),
  column('Restarts', 'Restarts of all containers.', restarts),
  ageColumn,
  column('IP', 'Address of the pod.', (pod) => orNone(textAt(pod, 'status', 'podIP')), { priority: 1 }),
  column('Node', 'Node of the pod.', (pod) => orNone(textAt(pod, 'spec', 'nodeName')), { priority: 1 }),
  column(
    'Nominated Node',
    'Node on which pods are preempted for this pod.',
    (pod) => orNone(textAt(pod, 'status', 'nominatedNodeName')),
    {
      priority: 1,
    },
  ),
  column('Readiness Gates', 'Further conditions.', () => '<none>', { priority: 1 }),
];

const shortModes: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const modes = (list: readonly unknown[]): string =>
  list.map((mode) => (typeof mode === 'string' ? (shortModes[mode] ?? mode) : '')).join(',');

export const claimColumns: readonly Column[] = [
  nameColumn,
  column('Status', 'Phase of the claim.', (claim) =>
    claim.metadata.deletionTimestamp === undefined ? textAt(claim, 'status', 'phase') : 'Terminating',
  ),
  text('Volume', 'Volume that the claim is bound to.', ['spec', 'volumeName']),
  text('Capacity', 'Size of the volume.', ['status', 'capacity', 'storage']),
  column('Access Modes', 'How the volume may be mounted.', (claim) => modes(listAt(claim, 'status', 'accessModes'))),
  text('StorageClass', 'Class of the volume.', ['spec', 'storageClassName']),
  column('VolumeAttributesClass', 'Class of attributes.', () => '<unset>'),
  ageColumn,
  text('VolumeMode', 'Filesystem or Block.', ['spec', 'volumeMode'], { priority: 1 }),
];

export const volumeColumns: readonly Column[] = [
  nameColumn,
  text('Capacity', 'Size of the volume.', ['spec', 'capacity', 'storage']),
  column('Access Modes', 'How the volume may be mounted.', (volume) => modes(listAt(volume, 'spec', 'accessModes'))),
  text('Reclaim Policy', 'What happens to the volume after its claim.', ['spec', 'persistentVolumeReclaimPolicy']),
  text('Status', 'Phase of the volume.', ['status', 'phase']),
  column('Claim', 'Claim that the volume is bound to.', (volume) => {
    const name = textAt(volume, 'spec', 'claimRef', 'name');
    return name === '' ? '' : `${textAt(volume, 'spec', 'claimRef', 'namespace')}/${name}`;
  }),
  text('StorageClass', 'Class of the volume.', ['spec', 'storageClassName']),
  ageColumn,
];

const lastTimeOf = (event: KubeObject): string =>
  textAt(event, 'series', 'lastObservedTime') ||
  textAt(event, 'lastTimestamp') ||
  textAt(event, 'eventTime') ||
  event.metadata.creationTimestamp;

export const eventColumns: readonly Column[] = [
  column('Last Seen', 'Time since the last occurrence.', (event, nowMs) => age(lastTimeOf(event), nowMs)),
  text('Type', 'Normal or Warning.', ['type']),
  text('Reason', 'Reason as a single identifier.', ['reason']),
  column(
    'Object',
    'Object that the event is about.',
    (event) => `${textAt(event, 'involvedObject', 'kind').toLowerCase()}/${textAt(event, 'involvedObject', 'name')}`,
  ),
  text('Subobject', 'Part of the object.', ['involvedObject', 'fieldPath'], { priority: 1 }),
  column(
    'Source',
    'Component that reports the event.',
    (event) => textAt(event, 'reportingComponent') || textAt(event, 'source', 'component'),
    { priority: 1 },
  ),
  text('Message', 'Message.', ['message']),
  column('Count', 'Number of occurrences.', (event) => Number(event['count'] ?? 1), { type: 'integer', priority: 1 }),
  { ...nameColumn, priority: 1 },
];

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  text('Status', 'Phase of the namespace.', ['status', 'phase']),
  ageColumn,
];

const isReady = (condition: JsonObject): boolean => condition['type'] === 'Ready' && condition['status'] === 'True';

export const nodeColumns: readonly Column[] = [
  nameColumn,
  column('Status', 'Whether the node is ready.', (node) =>
    objectsAt(node, 'status', 'conditions').some(isReady) ? 'Ready' : 'NotReady',
  ),
  column('Roles', 'Roles of the node.', () => '<none>'),
  ageColumn,
  text('Version', 'Version of the kubelet.', ['status', 'nodeInfo', 'kubeletVersion']),
  text('OS-Image', 'Operating system.', ['status', 'nodeInfo', 'osImage'], { priority: 1 }),
];

export const storageClassColumns: readonly Column[] = [
  column('Name', 'Name of the class.', (object) =>
    textAt(object, 'metadata', 'annotations', 'storageclass.kubernetes.io/is-default-class') === 'true'
      ? `${object.metadata.name} (default)`
      : object.metadata.name,
  ),
  text('Provisioner', 'Provisioner of the volumes.', ['provisioner']),
  text('ReclaimPolicy', 'What happens to a volume after its claim.', ['reclaimPolicy']),
  text('VolumeBindingMode', 'When a claim is bound.', ['volumeBindingMode']),
  ageColumn,
];

export const plainColumns: readonly Column[] = [nameColumn, ageColumn];
