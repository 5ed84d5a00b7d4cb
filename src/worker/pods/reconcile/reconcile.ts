/**
 * The loop that makes the cluster agree with the row: read both sides, decide the next effect, apply it, and repeat until
 * nothing is left to do or only waiting helps. It reads the row again after every read of the cluster and before every
 * effect. A command that came meanwhile counts immediately, and an older command never decides about a newer pod.
 */

import type { Clock } from '../../../shared/clock.ts';
import { isObserved } from '../../../shared/contract/commands.ts';
import type { AccessKeys } from '../../../shared/node/access/credentials.ts';
import { findConfigVersion } from '../../../shared/node/db/config-repository.ts';
import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import { listUsableProviders } from '../../../shared/node/models/usable-providers.ts';
import { configFilesOf } from '../../../shared/opencode/config-files.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { KubernetesError } from '../kube/kubernetes-error.ts';
import { accessSecretManifest, claimManifest, podManifest, type PodSettings } from '../kube/manifests.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { decide, type Actual, type Effect } from './decide.ts';

/** `requeue`: reconcile again after this many milliseconds, because no event will request it. */
type ReconcileResult = { kind: 'done' } | { kind: 'requeue'; requeueAfterMs: number };

export interface Reconciler {
  /**
   * Brings one project closer to its desired state.
   * @param known the row at the beginning of the attempt. It says which objects to read, and which attempt this is
   * @param requestId the request that led to this reconcile; it is recorded on the pod
   * @throws KubernetesError the cluster refused or did not answer; its kind says whether to try again
   */
  reconcile(known: ProjectRecord, signal: AbortSignal, requestId?: string): Promise<ReconcileResult>;
}

type ApplicableEffect = Extract<Effect, { kind: `${'create' | 'delete'}-${'pod' | 'claim'}` }>;

/**
 * When the claim was deleted under a waiting pod, Kubernetes also deletes the secret of the project, which that claim owned.
 * It does so some moments later. So the secret is made sure of after this time.
 */
const secretCheckMs = 10_000;

/** More steps than any path through {@link decide} has. Beyond it somebody else undoes each of our changes. */
const maxSteps = 10;

interface ReconcilerDeps {
  db: Database;
  kubernetes: KubernetesClient;
  writer: StatusWriter;
  settings: PodSettings;
  clock: Clock;
  accessKeys: AccessKeys;
}

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { db, kubernetes, writer, clock } = deps;

  return {
    async reconcile(known, signal, requestId) {
      let desired: ProjectRecord | null = known;
      let actual: Actual | null = null;
      let hasRenewedClaim = false;
      for (let step = 0; step < maxSteps; step++) {
        signal.throwIfAborted();
        // First the cluster, then the row: the row is then never older than the pod that it decides about.
        actual ??= await readActual(kubernetes, desired);
        desired = await findProject(db, known.id);
        // A newer attempt is responsible now, for example because this worker was frozen.
        if (desired?.attempt !== known.attempt) return { kind: 'done' };
        const effect = decide(desired, actual, clock.now());
        switch (effect.kind) {
          case 'settled':
            await renewSecret(deps, desired, actual);
            await writer.recordSettled(desired, actual);
            return hasRenewedClaim ? { kind: 'requeue', requeueAfterMs: secretCheckMs } : { kind: 'done' };
          case 'wait':
            if (effect.acknowledged) await writer.recordAcknowledged(desired);
            return { kind: 'done' };
          case 'requeue':
            return effect;
          case 'conflict':
            throw nameConflict(effect.object);
          default:
            hasRenewedClaim ||= effect.kind === 'create-claim' && actual.pod !== null;
            actual = await apply(deps, effect, { desired, actual, requestId });
        }
      }
      throw new KubernetesError(
        'transient',
        'cluster-error',
        'Something else keeps changing the objects of the project.',
        {
          status: 0,
        },
      );
    },
  };
}

function nameConflict(object: string): KubernetesError {
  return new KubernetesError(
    'terminal',
    'name-conflict',
    `The ${object} does not belong to this project and is left alone. An administrator must rename or remove it.`,
    { status: 409 },
  );
}

async function readActual(kubernetes: KubernetesClient, desired: ProjectRecord): Promise<Actual> {
  if (isFirstAttempt(desired)) {
    // Without a claim there is no pod of ours yet, and a foreign pod shows when ours is created. That saves one request.
    const claim = await kubernetes.readClaim(desired.workspacePvcName);
    return { claim, pod: claim && (await kubernetes.readPod(desired.podName)) };
  }
  const [pod, claim] = await Promise.all([
    kubernetes.readPod(desired.podName),
    kubernetes.readClaim(desired.workspacePvcName),
  ]);
  return { pod, claim };
}

/** Whether no attempt has carried out the first command of the project. */
function isFirstAttempt(desired: ProjectRecord): boolean {
  return desired.generation === 1 && !isObserved(desired);
}

/** Applies one effect. Returns the actual state afterwards, or `null` when it has to be read again. */
async function apply(
  deps: ReconcilerDeps,
  effect: ApplicableEffect,
  { desired, actual, requestId }: { desired: ProjectRecord; actual: Actual; requestId: string | undefined },
): Promise<Actual | null> {
  const { kubernetes, settings, clock } = deps;
  const deletionTimestamp = new Date(clock.now()).toISOString();
  try {
    switch (effect.kind) {
      case 'create-claim':
        return { ...actual, claim: await kubernetes.createClaim(claimManifest(desired, settings)) };
      case 'create-pod':
        if (actual.claim) await createAccessSecret(deps, desired, actual.claim);
        return { ...actual, pod: await kubernetes.createPod(await manifestOf(deps, desired, requestId)) };
      case 'delete-pod': {
        const { pod } = effect;
        await kubernetes.deletePod(pod.metadata);
        return { ...actual, pod: { ...pod, metadata: { ...pod.metadata, deletionTimestamp } } };
      }
      case 'delete-claim': {
        const { claim } = effect;
        await kubernetes.deleteClaim(claim.metadata);
        return { ...actual, claim: { ...claim, metadata: { ...claim.metadata, deletionTimestamp } } };
      }
    }
  } catch (error) {
    // Another worker was faster, or the object has been replaced.
    const hasChanged =
      error instanceof KubernetesError && (error.kind === 'already-exists' || error.kind === 'conflict');
    if (hasChanged) return null;
    throw error;
  }
}

/** The pod starts with the newest version of the configuration, and with the providers for which there is a key. */
async function manifestOf({ db, settings }: ReconcilerDeps, desired: ProjectRecord, requestId: string | undefined) {
  const { id: projectId, configVersion: version, ownerId } = desired;
  const saved = version === 0 ? null : await findConfigVersion(db, { projectId, version });
  const providers = settings.modelBrokerUrl === null ? [] : await listUsableProviders(db, ownerId);
  return podManifest(desired, settings, { requestId, files: configFilesOf(saved, providers) });
}

/** A waiting pod that is older than its claim may have lost its secret with an earlier claim. */
async function renewSecret(deps: ReconcilerDeps, desired: ProjectRecord, { pod, claim }: Actual): Promise<void> {
  if (desired.desiredState !== 'running' || pod?.status.phase !== 'Pending' || !claim) return;
  const isOlder = Date.parse(pod.metadata.creationTimestamp) < Date.parse(claim.metadata.creationTimestamp ?? '');
  if (isOlder) await createAccessSecret(deps, desired, claim);
}

/** Creates the secret of the project, which the pod needs before it can start. It may exist already. */
async function createAccessSecret(
  { kubernetes, settings, accessKeys }: ReconcilerDeps,
  desired: ProjectRecord,
  claim: KubernetesClaim,
): Promise<void> {
  const credentials = accessKeys.currentCredentials(desired.id);
  await kubernetes.createSecret(accessSecretManifest(desired, { claimUid: claim.metadata.uid, settings, credentials }));
}
