/** How a claim of the embedded cluster gets its volume: the decision, and the writes. Nothing is ever stored in a volume. */

import { listAt, textAt, valueAt, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';

/** The provisioner of the embedded cluster. */
export const provisioner = 'embedded.opencode.local/volume';

/** The class of claims that name none. */
export const defaultStorageClass: JsonObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
};

export const mergePatch = 'application/merge-patch+json';

type BindingDecision =
  | { kind: 'provision'; storageClass: KubeObject }
  | { kind: 'report'; type: 'Normal' | 'Warning'; reason: string; message: string }
  | { kind: 'wait' };

/**
 * What to do with an unbound claim.
 *
 * @param storageClass the class that the claim names; undefined when it does not exist
 */
export function decideBinding(claim: KubeObject, storageClass: KubeObject | undefined): BindingDecision {
  const className = textAt(claim, 'spec', 'storageClassName');
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { kind: 'report', type: 'Warning', reason: 'FailedBinding', message };
  }
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io "${className}" not found`;
    return { kind: 'report', type: 'Warning', reason: 'ProvisioningFailed', message };
  }
  // Claims of other classes wait for the provisioner of their class.
  if (textAt(storageClass, 'provisioner') !== provisioner) return { kind: 'wait' };
  const isForFirstConsumer = textAt(storageClass, 'volumeBindingMode') === 'WaitForFirstConsumer';
  if (isForFirstConsumer && claim.metadata.annotations?.['volume.kubernetes.io/selected-node'] === undefined) {
    const message = 'waiting for first consumer to be created before binding';
    return { kind: 'report', type: 'Normal', reason: 'WaitForFirstConsumer', message };
  }
  return { kind: 'provision', storageClass };
}

/** Creates the volume of a claim and binds both. Each write can be repeated, so a crash between two does no harm. */
export async function provisionVolume(
  { client, signal }: { client: ApiClient; signal: AbortSignal },
  claim: KubeObject,
  storageClass: KubeObject,
): Promise<string> {
  const name = `pvc-${claim.metadata.uid}`;
  const { uid } = claim.metadata;
  const patch = async (path: string, body: JsonObject): Promise<void> => {
    await client.call('PATCH', path, { contentType: mergePatch, body, signal });
  };
  try {
    await client.call('POST', '/api/v1/persistentvolumes', { body: volumeOf(claim, storageClass, name), signal });
  } catch (error) {
    if (!isFailure(error, 409)) throw error;
  }
  await patch(`/api/v1/persistentvolumes/${name}/status`, { status: { phase: 'Bound' } });
  if (textAt(claim, 'spec', 'volumeName') === '') {
    const annotations = {
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
      'volume.kubernetes.io/storage-provisioner': provisioner,
    };
    await patch(claimPath(claim), { metadata: { uid, annotations }, spec: { volumeName: name } });
  }
  await patch(`${claimPath(claim)}/status`, {
    metadata: { uid },
    status: {
      phase: 'Bound',
      accessModes: listAt(claim, 'spec', 'accessModes'),
      capacity: { storage: valueAt(claim, 'spec', 'resources', 'requests', 'storage') },
    },
  });
  return name;
}

function volumeOf(claim: KubeObject, storageClass: KubeObject, name: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': provisioner } },
    spec: {
      accessModes: listAt(claim, 'spec', 'accessModes'),
      capacity: { storage: valueAt(claim, 'spec', 'resources', 'requests', 'storage') },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: claim.metadata.namespace,
        name: claim.metadata.name,
        uid: claim.metadata.uid,
        resourceVersion: claim.metadata.resourceVersion,
      },
      csi: { driver: provisioner.split('/')[0], volumeHandle: name },
      persistentVolumeReclaimPolicy: textAt(storageClass, 'reclaimPolicy') || 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: textAt(claim, 'spec', 'volumeMode') || 'Filesystem',
    },
  };
}

export function claimPath(claim: KubeObject): string {
  return `/api/v1/namespaces/${claim.metadata.namespace}/persistentvolumeclaims/${claim.metadata.name}`;
}
