/** The rules for a pod. Field paths and messages are those of the real API. */

import { fieldError, type FieldError } from './field-error.ts';
import {
  isJsonObject,
  objectsAt,
  sameJson,
  textAt,
  valueAt,
  type Json,
  type JsonObject,
  type KubeObject,
} from './kube-object.ts';
import { isDnsLabel, labelRule } from './object-meta.ts';
import { parseQuantity } from './quantity.ts';

export function validatePod(pod: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const volumes = objectsAt(pod, 'spec', 'volumes');
  errors.push(...validateVolumes(volumes));
  const volumeNames = new Set(volumes.map((volume) => textAt(volume, 'name')));
  const containers = objectsAt(pod, 'spec', 'containers');
  if (containers.length === 0) errors.push(fieldError.required('spec.containers'));
  const names = new Set<string>();
  for (const [list, members] of [
    ['spec.containers', containers],
    ['spec.initContainers', objectsAt(pod, 'spec', 'initContainers')],
  ] as const) {
    members.forEach((container, index) => {
      const field = `${list}[${index}]`;
      errors.push(...validateContainer(container, field, volumeNames));
      const name = textAt(container, 'name');
      if (name !== '' && names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name));
      names.add(name);
    });
  }
  errors.push(
    ...oneOf(pod, 'restartPolicy', ['Always', 'Never', 'OnFailure']),
    ...oneOf(pod, 'dnsPolicy', ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None']),
    ...atLeast(valueAt(pod, 'spec', 'terminationGracePeriodSeconds'), 0, 'spec.terminationGracePeriodSeconds'),
    ...atLeast(valueAt(pod, 'spec', 'activeDeadlineSeconds'), 1, 'spec.activeDeadlineSeconds'),
  );
  return errors;
}

/** Only few fields of the spec of a pod may change. */
export function validatePodUpdate(next: KubeObject, previous: KubeObject): FieldError[] {
  if (sameJson(fixedSpec(next), fixedSpec(previous))) return [];
  return [
    fieldError.forbidden(
      'spec',
      'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    ),
  ];
}

/** The spec without the fields that an update may change. */
function fixedSpec(pod: KubeObject): Json {
  const spec = isJsonObject(pod['spec']) ? pod['spec'] : {};
  const withoutImages = (key: string): Json =>
    objectsAt(spec, key).map((container) => Object.assign({}, container, { image: '' }) satisfies JsonObject);
  return {
    ...spec,
    containers: withoutImages('containers'),
    initContainers: withoutImages('initContainers'),
    activeDeadlineSeconds: null,
    tolerations: null,
  };
}

function validateVolumes(volumes: JsonObject[]): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  volumes.forEach((volume, index) => {
    const field = `spec.volumes[${index}]`;
    const name = textAt(volume, 'name');
    if (name === '') errors.push(fieldError.required(`${field}.name`));
    else if (!isDnsLabel(name)) errors.push(fieldError.invalid(`${field}.name`, name, labelRule));
    else if (names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name));
    names.add(name);
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    if (sources.length > 1) {
      errors.push(fieldError.forbidden(`${field}.${sources[1]}`, 'may not specify more than 1 volume type'));
    }
    if (isJsonObject(volume['persistentVolumeClaim']) && textAt(volume, 'persistentVolumeClaim', 'claimName') === '') {
      errors.push(fieldError.required(`${field}.persistentVolumeClaim.claimName`));
    }
  });
  return errors;
}

function validateContainer(container: JsonObject, field: string, volumeNames: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(container, 'name');
  if (name === '') errors.push(fieldError.required(`${field}.name`));
  else if (!isDnsLabel(name)) errors.push(fieldError.invalid(`${field}.name`, name, labelRule));
  const image = textAt(container, 'image');
  if (image === '') errors.push(fieldError.required(`${field}.image`));
  else if (image.trim() !== image) {
    errors.push(fieldError.invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  }
  const pullPolicy = textAt(container, 'imagePullPolicy');
  if (!['Always', 'IfNotPresent', 'Never'].includes(pullPolicy)) {
    errors.push(fieldError.notSupported(`${field}.imagePullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never']));
  }
  errors.push(...validatePorts(container, field), ...validateResources(container, field));
  objectsAt(container, 'env').forEach((variable, index) => {
    if (textAt(variable, 'name') === '') errors.push(fieldError.required(`${field}.env[${index}].name`));
  });
  errors.push(...validateMounts(container, field, volumeNames));
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    errors.push(...validateProbe(container[kind], `${field}.${kind}`, kind !== 'readinessProbe'));
  }
  return errors;
}

function validatePorts(container: JsonObject, field: string): FieldError[] {
  return objectsAt(container, 'ports').flatMap((port, index) => {
    const path = `${field}.ports[${index}]`;
    const errors = validatePort(port['containerPort'], `${path}.containerPort`);
    const protocol = textAt(port, 'protocol');
    if (!['TCP', 'UDP', 'SCTP'].includes(protocol)) {
      errors.push(fieldError.notSupported(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    }
    return errors;
  });
}

function validatePort(port: Json | undefined, field: string): FieldError[] {
  if (port === undefined) return [fieldError.required(field)];
  if (typeof port !== 'number' || (port >= 1 && port <= 65_535)) return [];
  return [fieldError.invalid(field, port, 'must be between 1 and 65535, inclusive')];
}

function validateResources(container: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const limits = valueAt(container, 'resources', 'limits');
  for (const list of ['limits', 'requests']) {
    const amounts = valueAt(container, 'resources', list);
    for (const [resource, amount] of Object.entries(isJsonObject(amounts) ? amounts : {})) {
      const path = `${field}.resources.${list}`;
      const parsed = parseQuantity(amount);
      // The check of the shape has already refused a value that is not a quantity.
      if (parsed === undefined) continue;
      if (parsed < 0) {
        errors.push(fieldError.invalid(`${path}[${resource}]`, amount, 'must be greater than or equal to 0'));
      } else if (list === 'requests') {
        const limit = parseQuantity(valueAt(limits, resource));
        if (limit !== undefined && parsed > limit) {
          errors.push(fieldError.invalid(path, amount, `must be less than or equal to ${resource} limit`));
        }
      }
    }
  }
  return errors;
}

function validateMounts(container: JsonObject, field: string, volumeNames: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const mountPaths = new Set<string>();
  objectsAt(container, 'volumeMounts').forEach((mount, index) => {
    const path = `${field}.volumeMounts[${index}]`;
    const name = textAt(mount, 'name');
    if (name === '') errors.push(fieldError.required(`${path}.name`));
    else if (!volumeNames.has(name)) errors.push(fieldError.notFound(`${path}.name`, name));
    const mountPath = textAt(mount, 'mountPath');
    if (mountPath === '') errors.push(fieldError.required(`${path}.mountPath`));
    else if (mountPaths.has(mountPath))
      errors.push(fieldError.invalid(`${path}.mountPath`, mountPath, 'must be unique'));
    mountPaths.add(mountPath);
  });
  return errors;
}

function validateProbe(probe: Json | undefined, field: string, onlyOneSuccess: boolean): FieldError[] {
  if (!isJsonObject(probe)) return [];
  const errors: FieldError[] = [];
  const handlers = ['httpGet', 'tcpSocket', 'exec', 'grpc'].filter((kind) => isJsonObject(probe[kind]));
  if (handlers.length === 0) errors.push(fieldError.required(field, 'must specify a handler type'));
  for (const kind of handlers) {
    const port = valueAt(probe, kind, 'port');
    if (typeof port === 'number') errors.push(...validatePort(port, `${field}.${kind}.port`));
  }
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ]) {
    errors.push(...atLeast(probe[key], 0, `${field}.${key}`));
  }
  if (onlyOneSuccess && probe['successThreshold'] !== 1) {
    errors.push(fieldError.invalid(`${field}.successThreshold`, probe['successThreshold'], 'must be 1'));
  }
  return errors;
}

function oneOf(pod: KubeObject, key: string, supported: readonly string[]): FieldError[] {
  const value = textAt(pod, 'spec', key);
  return supported.includes(value) ? [] : [fieldError.notSupported(`spec.${key}`, value, supported)];
}

function atLeast(value: Json | undefined, least: number, field: string): FieldError[] {
  if (typeof value !== 'number' || value >= least) return [];
  return [fieldError.invalid(field, value, `must be greater than or equal to ${least}`)];
}
