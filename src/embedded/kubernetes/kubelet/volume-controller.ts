/** Binds claims to new volumes, protects claims that a pod uses, and deletes volumes whose claim is gone. */

import type { Clock } from '../../../shared/clock.ts';
import { claimProtection } from '../api/claim-rules.ts';
import { textAt, type KubeObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { KubeletDelays } from './delays.ts';
import type { EventRecorder } from './event-recorder.ts';
import { hasEnded, type PodIndex } from './pod-index.ts';
import { claimPath, decideBinding, mergePatch, provisioner, provisionVolume } from './provision-volume.ts';
import type { Reflector } from './reflector.ts';
import type { VolumeFolders } from './runtime/process/volume-folders.ts';

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
  /** Where the files of volumes are; undefined when volumes have none. */
  folders: VolumeFolders | undefined;
}

const component = 'persistentvolume-controller';

export function createVolumeController(deps: Deps) {
  const { client, clock, signal, pods, index, claims, volumes, classes, events, delays, folders } = deps;

  /** Uids of claims that were bound here and that the watch does not show as bound yet, so that none is bound twice. */
  const bound = new Set<string>();

  /** One step of one claim. Returns after how many milliseconds the next one is due, if any. */
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

  /** Removes the protection of a claim that is being deleted, when no pod uses it. */
  async function release(claim: KubeObject): Promise<undefined> {
    const { uid, resourceVersion, finalizers = [] } = claim.metadata;
    if (!finalizers.includes(claimProtection) || isUsed(claim)) return undefined;
    const others = finalizers.filter((finalizer) => finalizer !== claimProtection);
    await client.call('PATCH', claimPath(claim), {
      contentType: mergePatch,
      body: { metadata: { uid, resourceVersion, finalizers: others } },
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
    const { uid, creationTimestamp } = claim.metadata;
    if (textAt(claim, 'status', 'phase') === 'Bound') {
      bound.delete(uid);
      return undefined;
    }
    if (bound.has(uid)) return undefined;
    const decision = decideBinding(claim, classes.get(textAt(claim, 'spec', 'storageClassName')));
    if (decision.kind === 'wait') return undefined;
    if (decision.kind === 'report') {
      const { type, reason, message } = decision;
      events.record({ about: claim, type, reason, message, component });
      return undefined;
    }
    const leftMs = Date.parse(creationTimestamp) + delays.provisionMs - clock.now();
    if (leftMs > 0) return leftMs;
    folders?.create(uid);
    const name = await provisionVolume({ client, signal }, claim, decision.storageClass);
    bound.add(uid);
    const message = `Successfully provisioned volume ${name} using ${provisioner}`;
    events.record({ about: claim, type: 'Normal', reason: 'ProvisioningSucceeded', message, component });
    return undefined;
  }

  /** Deletes a volume of this provisioner when its claim is gone. A newer claim of the same name has another uid. */
  async function syncVolume(key: string): Promise<undefined> {
    const volume = volumes.get(key);
    if (volume === undefined || textAt(volume, 'spec', 'csi', 'driver') !== provisioner.split('/')[0]) return undefined;
    const claimKey = `${textAt(volume, 'spec', 'claimRef', 'namespace')}/${textAt(volume, 'spec', 'claimRef', 'name')}`;
    if (claims.get(claimKey)?.metadata.uid === textAt(volume, 'spec', 'claimRef', 'uid')) return undefined;
    const path = `/api/v1/persistentvolumes/${volume.metadata.name}`;
    // The files go first: when the object is gone, nobody knows of them any more.
    await folders?.remove(textAt(volume, 'spec', 'claimRef', 'uid'));
    try {
      if (volume.metadata.deletionTimestamp === undefined) await client.call('DELETE', path, { signal });
      if ((volume.metadata.finalizers ?? []).length > 0) {
        const body = { metadata: { finalizers: null } };
        await client.call('PATCH', path, { contentType: mergePatch, body, signal });
      }
    } catch (error) {
      if (!isFailure(error, 404)) throw error;
    }
    return undefined;
  }

  return { syncClaim, syncVolume };
}
