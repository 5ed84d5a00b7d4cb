/** Sets the defaults of a new pod that the real API sets too. */

import { isJsonObject, objectsAt, sameJson, valueAt, type JsonObject, type KubeObject } from './kube-object.ts';

export function setPodDefaults(pod: KubeObject): void {
  const spec = isJsonObject(pod['spec']) ? pod['spec'] : {};
  pod['spec'] = spec;
  setMissing(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
  });
  setMissing(spec, { serviceAccount: spec['serviceAccountName'] });
  addTolerations(spec);
  for (const container of [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')]) {
    setContainerDefaults(container);
  }
  for (const volume of objectsAt(spec, 'volumes')) setVolumeDefaults(volume);
  // Only the kubelet writes the status. A status in the request is dropped.
  pod['status'] = { phase: 'Pending', qosClass: qosClassOf(spec) };
}

/** Guaranteed, Burstable or BestEffort, by the requests and limits of all containers. */
function qosClassOf(spec: JsonObject): string {
  const containers = [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')];
  const amounts = containers.flatMap((container) =>
    ['cpu', 'memory'].map((resource) => ({
      request: valueAt(container, 'resources', 'requests', resource),
      limit: valueAt(container, 'resources', 'limits', resource),
    })),
  );
  if (amounts.every(({ request, limit }) => request === undefined && limit === undefined)) return 'BestEffort';
  return amounts.every(({ request, limit }) => limit !== undefined && sameJson(request, limit))
    ? 'Guaranteed'
    : 'Burstable';
}

function setMissing(target: JsonObject, defaults: JsonObject): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (target[key] === undefined || target[key] === '') target[key] = value;
  }
}

function setContainerDefaults(container: JsonObject): void {
  const image = typeof container['image'] === 'string' ? container['image'] : '';
  setMissing(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullsAlways(image) ? 'Always' : 'IfNotPresent',
    resources: {},
  });
  for (const port of objectsAt(container, 'ports')) setMissing(port, { protocol: 'TCP' });
  for (const variable of objectsAt(container, 'env')) {
    const fieldRef = valueAt(variable, 'valueFrom', 'fieldRef');
    if (isJsonObject(fieldRef)) setMissing(fieldRef, { apiVersion: 'v1' });
  }
  setRequestsFromLimits(container);
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[kind];
    if (!isJsonObject(probe)) continue;
    setMissing(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    if (isJsonObject(probe['httpGet'])) setMissing(probe['httpGet'], { path: '/', scheme: 'HTTP' });
  }
}

/** An image with the tag `latest`, or without tag and digest, is pulled at each start. */
function pullsAlways(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

function setRequestsFromLimits(container: JsonObject): void {
  const limits = valueAt(container, 'resources', 'limits');
  if (!isJsonObject(limits) || !isJsonObject(container['resources'])) return;
  const requests = container['resources']['requests'];
  container['resources']['requests'] = { ...limits, ...(isJsonObject(requests) ? requests : {}) };
}

function setVolumeDefaults(volume: JsonObject): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume['emptyDir'] = {};
  for (const source of ['secret', 'configMap', 'downwardAPI', 'projected']) {
    if (isJsonObject(volume[source])) setMissing(volume[source], { defaultMode: 420 });
  }
  if (isJsonObject(volume['hostPath']) && volume['hostPath']['type'] === undefined) volume['hostPath']['type'] = '';
}

function addTolerations(spec: JsonObject): void {
  const tolerations = objectsAt(spec, 'tolerations');
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const tolerated = tolerations.some(
      (toleration) =>
        (toleration['key'] === key || toleration['key'] === undefined) &&
        (toleration['effect'] === 'NoExecute' || toleration['effect'] === undefined),
    );
    if (!tolerated) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  spec['tolerations'] = tolerations;
}
