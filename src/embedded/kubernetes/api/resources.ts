/** The kinds of objects that the embedded API serves, with their rules. */

import { setClaimDefaults, validateClaim, validateClaimUpdate } from './claim-rules.ts';
import {
  claimColumns,
  eventColumns,
  namespaceColumns,
  nodeColumns,
  plainColumns,
  podColumns,
  storageClassColumns,
  volumeColumns,
} from './columns.ts';
import { fieldError } from './field-error.ts';
import { isJsonObject, textAt, type JsonObject, type KubeObject } from './kube-object.ts';
import { setPodDefaults } from './pod-defaults.ts';
import { validatePod, validatePodUpdate } from './pod-validation.ts';
import type { ResourceDefinition } from './resource-definition.ts';
import { checkClaimShape, checkEventShape, checkPlainShape, checkPodShape, checkVolumeShape } from './schemas.ts';

type Names = Pick<ResourceDefinition, 'kind' | 'plural'>;

/** A kind with default rules where none are given. */
function define(names: Names, rest: Partial<ResourceDefinition> = {}): ResourceDefinition {
  return {
    group: '',
    version: 'v1',
    shortNames: [],
    namespaced: true,
    subresources: [],
    hasGeneration: false,
    returnsDeleted: false,
    nameRule: 'subdomain',
    checkShape: checkPlainShape,
    setDefaults: () => undefined,
    validate: () => [],
    validateUpdate: () => [],
    selectableFields: () => ({}),
    deletesGracefully: false,
    deletionGraceSeconds: () => 0,
    columns: plainColumns,
    ...names,
    ...rest,
  };
}

/** `stringData` can only be written: its values become part of `data`. */
function encodeStringData(secret: KubeObject): void {
  const { stringData, data } = secret;
  secret['type'] ??= 'Opaque';
  if (!isJsonObject(stringData)) return;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(typeof value === 'string' ? value : '').toString('base64'),
  ]);
  secret['data'] = { ...(isJsonObject(data) ? data : {}), ...(Object.fromEntries(encoded) as JsonObject) };
  delete secret['stringData'];
}

/** The deletion of a pod waits for the kubelet, unless the pod has no node or has finished. */
function podGraceSeconds(pod: KubeObject, requested: number | undefined): number {
  const phase = textAt(pod, 'status', 'phase');
  if (textAt(pod, 'spec', 'nodeName') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  return requested ?? Number(textAt(pod, 'spec', 'terminationGracePeriodSeconds') || '30');
}

function involvedFields(event: KubeObject): Record<string, string> {
  const keys = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];
  return {
    ...Object.fromEntries(keys.map((key) => [`involvedObject.${key}`, textAt(event, 'involvedObject', key)])),
    reason: textAt(event, 'reason'),
    type: textAt(event, 'type'),
    source: textAt(event, 'source', 'component') || textAt(event, 'reportingComponent'),
    reportingComponent: textAt(event, 'reportingComponent'),
  };
}

function setStatusPhase(object: KubeObject, phase: string): void {
  const status: JsonObject = isJsonObject(object['status']) ? object['status'] : {};
  object['status'] = { ...status, phase };
}

/** Every kind that the embedded API serves. */
export const resourceDefinitions: readonly ResourceDefinition[] = [
  define(
    { kind: 'Pod', plural: 'pods' },
    {
      shortNames: ['po'],
      subresources: ['status', 'binding', 'log', 'eviction'],
      returnsDeleted: true,
      hasGeneration: true,
      checkShape: checkPodShape,
      setDefaults: setPodDefaults,
      validate: validatePod,
      validateUpdate: validatePodUpdate,
      selectableFields: (pod) => ({
        'spec.nodeName': textAt(pod, 'spec', 'nodeName'),
        'spec.restartPolicy': textAt(pod, 'spec', 'restartPolicy'),
        'spec.schedulerName': textAt(pod, 'spec', 'schedulerName'),
        'spec.serviceAccountName': textAt(pod, 'spec', 'serviceAccountName'),
        'status.phase': textAt(pod, 'status', 'phase'),
        'status.podIP': textAt(pod, 'status', 'podIP'),
        'status.nominatedNodeName': textAt(pod, 'status', 'nominatedNodeName'),
      }),
      deletesGracefully: true,
      deletionGraceSeconds: podGraceSeconds,
      columns: podColumns,
    },
  ),
  define(
    { kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' },
    {
      shortNames: ['pvc'],
      subresources: ['status'],
      returnsDeleted: true,
      checkShape: checkClaimShape,
      setDefaults: setClaimDefaults,
      validate: validateClaim,
      validateUpdate: validateClaimUpdate,
      columns: claimColumns,
    },
  ),
  define(
    { kind: 'PersistentVolume', plural: 'persistentvolumes' },
    {
      shortNames: ['pv'],
      namespaced: false,
      subresources: ['status'],
      returnsDeleted: true,
      checkShape: checkVolumeShape,
      setDefaults: (volume) => setStatusPhase(volume, 'Pending'),
      columns: volumeColumns,
    },
  ),
  define(
    { kind: 'Event', plural: 'events' },
    {
      shortNames: ['ev'],
      checkShape: checkEventShape,
      validate: (event) => {
        const involved = textAt(event, 'involvedObject', 'namespace');
        const { namespace = '' } = event.metadata;
        // An event about an object without a namespace is in the namespace default.
        return involved === namespace || (involved === '' && namespace === 'default')
          ? []
          : [fieldError.invalid('involvedObject.namespace', involved, 'does not match event.namespace')];
      },
      selectableFields: involvedFields,
      columns: eventColumns,
    },
  ),
  define(
    { kind: 'Namespace', plural: 'namespaces' },
    {
      shortNames: ['ns'],
      namespaced: false,
      nameRule: 'label',
      subresources: ['status'],
      setDefaults: (namespace) => {
        setStatusPhase(namespace, 'Active');
        namespace.metadata.labels = {
          ...namespace.metadata.labels,
          'kubernetes.io/metadata.name': namespace.metadata.name,
        };
      },
      selectableFields: (namespace) => ({ 'status.phase': textAt(namespace, 'status', 'phase') }),
      columns: namespaceColumns,
    },
  ),
  define(
    { kind: 'Node', plural: 'nodes' },
    { shortNames: ['no'], namespaced: false, subresources: ['status'], columns: nodeColumns },
  ),
  define({ kind: 'ConfigMap', plural: 'configmaps' }, { shortNames: ['cm'] }),
  define({ kind: 'Secret', plural: 'secrets' }, { setDefaults: encodeStringData }),
  define({ kind: 'ServiceAccount', plural: 'serviceaccounts' }, { shortNames: ['sa'] }),
  define(
    { kind: 'StorageClass', plural: 'storageclasses' },
    {
      group: 'storage.k8s.io',
      shortNames: ['sc'],
      namespaced: false,
      setDefaults: (storageClass) => {
        storageClass['reclaimPolicy'] ??= 'Delete';
        storageClass['volumeBindingMode'] ??= 'Immediate';
      },
      validate: (storageClass) =>
        textAt(storageClass, 'provisioner') === '' ? [fieldError.required('provisioner')] : [],
      columns: storageClassColumns,
    },
  ),
];

/** The definition of a kind that the API itself uses. */
export function definitionOf(plural: string): ResourceDefinition {
  const found = resourceDefinitions.find((definition) => definition.plural === plural);
  if (found === undefined) throw new Error(`The embedded Kubernetes API has no resource named ${plural}.`);
  return found;
}
