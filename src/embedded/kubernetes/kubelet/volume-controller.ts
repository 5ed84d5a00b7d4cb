import { claimProtection } from '../api/claim-rules.ts';
import { listAt, textAt, valueAt, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { Clock } from './clock.ts';
import type { KubeletDelays } from './delays.ts';
import type { EventRecorder } from './event-recorder.ts';
import { hasEnded, type PodIndex } from './pod-index.ts';
import type { Reflector } from './reflector.ts';

/** Who makes the volumes of the embedded cluster; nothing is ever stored in them. */
const provisioner = 'embedded.opencode.local/volume';

/** The class that claims get when they name none. */
export const defaultStorageClass: JsonObject = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
  provisioner,
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
};

interface Deps {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  pods: Pick<Reflector, 'get'>;
  index: PodIndex;
  claims: Pick<Reflector, 'get'>;
  volumes: Pick<Reflector, 'get'>;
  classes: Pick<Reflector, 'get'>;
  events: EventRecorder;
  delays: KubeletDelays;
}

const merge = 'application/merge-patch+json';

/** Makes a volume for each claim, protects claims in use, and removes volumes whose claim is gone. */
export function createVolumeController(deps: Deps) {
  const { client, clock, signal, pods, index, claims, volumes, classes, events, delays } = deps;

  /** Claims that were bound here, until the watch shows it; nothing is done twice in between. */
  const bound = new Set<string>();

  /** One step of one claim. */
  async function syncClaim(key: string): Promise<number | undefined> {
    const claim = claims.get(key);
    if (claim === undefined) return undefined;
    try {
      return await (claim.metadata.deletionTimestamp === undefined ? bind(claim) : release(claim));
    } catch (error) {
      if (isFailure(error, 404)) return undefined;
      if (isFailure(error, 409)) return 100;
      throw error;
    }
  }

  /** Lets go of a claim that is being deleted, once no pod uses it. */
  async function release(claim: KubeObject): Promise<number | undefined> {
    const finalizers = claim.metadata.finalizers ?? [];
    if (!finalizers.includes(claimProtection) || isUsed(claim)) return undefined;
    await client.call('PATCH', pathOf(claim), {
      contentType: merge,
      body: {
        metadata: {
          uid: claim.metadata.uid,
          resourceVersion: claim.metadata.resourceVersion,
          finalizers: finalizers.filter((finalizer) => finalizer !== claimProtection),
        },
      },
      signal,
    });
    return undefined;
  }

  function isUsed(claim: KubeObject): boolean {
    for (const key of index.usersOf(`${claim.metadata.namespace}/${claim.metadata.name}`)) {
      const pod = pods.get(key);
      if (pod !== undefined && !hasEnded(pod) && textAt(pod, 'spec', 'nodeName') !== '') return true;
    }
    return false;
  }

  async function bind(claim: KubeObject): Promise<number | undefined> {
    if (textAt(claim, 'status', 'phase') === 'Bound') {
      bound.delete(claim.metadata.uid);
      return undefined;
    }
    if (bound.has(claim.metadata.uid)) return undefined;
    const className = textAt(claim, 'spec', 'storageClassName');
    const storageClass = classes.get(className);
    const warn = (reason: string, message: string): void =>
      events.record({ about: claim, type: 'Warning', reason, message, component: 'persistentvolume-controller' });
    if (className === '') {
      warn('FailedBinding', 'no persistent volumes available for this claim and no storage class is set');
      return undefined;
    }
    if (storageClass === undefined) {
      warn('ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`);
      return undefined;
    }
    // Other classes belong to other provisioners; their claims wait for those.
    if (textAt(storageClass, 'provisioner') !== provisioner) return undefined;
    if (
      textAt(storageClass, 'volumeBindingMode') === 'WaitForFirstConsumer' &&
      claim.metadata.annotations?.['volume.kubernetes.io/selected-node'] === undefined
    ) {
      const message = 'waiting for first consumer to be created before binding';
      events.record({
        about: claim,
        type: 'Normal',
        reason: 'WaitForFirstConsumer',
        message,
        component: 'persistentvolume-controller',
      });
      return undefined;
    }
    const leftMs = Date.parse(claim.metadata.creationTimestamp) + delays.provisionMs - clock.nowMs();
    if (leftMs > 0) return leftMs;
    await provision(claim, storageClass);
    return undefined;
  }

  /** Each step is harmless when it was done before, so a crash in between costs nothing. */
  async function provision(claim: KubeObject, storageClass: KubeObject): Promise<void> {
    const name = `pvc-${claim.metadata.uid}`;
    const capacity = { storage: valueAt(claim, 'spec', 'resources', 'requests', 'storage') };
    const accessModes = listAt(claim, 'spec', 'accessModes');
    try {
      await client.call('POST', '/api/v1/persistentvolumes', { body: volumeOf(claim, storageClass, name), signal });
    } catch (error) {
      if (!isFailure(error, 409)) throw error;
    }
    await client.call('PATCH', `/api/v1/persistentvolumes/${name}/status`, {
      contentType: merge,
      body: { status: { phase: 'Bound' } },
      signal,
    });
    if (textAt(claim, 'spec', 'volumeName') === '') {
      await client.call('PATCH', pathOf(claim), {
        contentType: merge,
        body: {
          metadata: {
            uid: claim.metadata.uid,
            annotations: {
              'pv.kubernetes.io/bind-completed': 'yes',
              'pv.kubernetes.io/bound-by-controller': 'yes',
              'volume.kubernetes.io/storage-provisioner': provisioner,
            },
          },
          spec: { volumeName: name },
        },
        signal,
      });
    }
    await client.call('PATCH', `${pathOf(claim)}/status`, {
      contentType: merge,
      body: { metadata: { uid: claim.metadata.uid }, status: { phase: 'Bound', accessModes, capacity } },
      signal,
    });
    bound.add(claim.metadata.uid);
    const message = `Successfully provisioned volume ${name} using ${provisioner}`;
    events.record({
      about: claim,
      type: 'Normal',
      reason: 'ProvisioningSucceeded',
      message,
      component: 'persistentvolume-controller',
    });
  }

  /** Removes a volume of ours when its claim is gone; a claim of the same name made later is another one. */
  async function syncVolume(key: string): Promise<number | undefined> {
    const volume = volumes.get(key);
    if (volume === undefined || textAt(volume, 'spec', 'csi', 'driver') !== provisioner.split('/')[0]) return undefined;
    const claimKey = `${textAt(volume, 'spec', 'claimRef', 'namespace')}/${textAt(volume, 'spec', 'claimRef', 'name')}`;
    const desiredUid = textAt(volume, 'spec', 'claimRef', 'uid');
    if (claims.get(claimKey)?.metadata.uid === desiredUid) return undefined;
    const path = `/api/v1/persistentvolumes/${volume.metadata.name}`;
    try {
      if (volume.metadata.deletionTimestamp === undefined) await client.call('DELETE', path, { signal });
      if ((volume.metadata.finalizers ?? []).length > 0) {
        await client.call('PATCH', path, { contentType: merge, body: { metadata: { finalizers: null } }, signal });
      }
    } catch (error) {
      if (!isFailure(error, 404)) throw error;
    }
    return undefined;
  }

  return { syncClaim, syncVolume };
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

function pathOf(claim: KubeObject): string {
  return `/api/v1/namespaces/${claim.metadata.namespace}/persistentvolumeclaims/${claim.metadata.name}`;
}
