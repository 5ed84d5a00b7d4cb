/**
 * The loop that makes the cluster agree with the row: read both sides, decide the next small effect, do it, and look
 * again, until nothing is left to do or only waiting helps. The row is read anew before every effect, and after every read of
 * the cluster: a wish that came meanwhile counts at once, and no object of a later wish is judged by an earlier one.
 */

import type { Database } from '../../../shared/node/db/database.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { findProject } from '../../../shared/node/db/projects-repository.ts';
import type { AfterStep } from '../../step.ts';
import type { KubernetesClaim } from '../kube/kubernetes-claim.ts';
import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { KubernetesError } from '../kube/kubernetes-error.ts';
import { accessSecretManifest, claimManifest, podManifest, type PodSettings } from '../kube/manifests.ts';
import type { StatusWriter } from '../status/status-writer.ts';
import { decide, type Actual, type Effect } from './decide.ts';

/** `later`: look again after this many milliseconds, for no event will wake us. */
type ReconcileResult = { kind: 'done' } | { kind: 'requeue'; requeueAfterMs: number };

export interface Reconciler {
  /**
   * Brings one project nearer to its wish.
   * @param known the row as it was a moment ago: where to look, before it is read anew
   * @param requestId of the mutation that asked for it; noted on the pod
   * @throws KubernetesError the cluster refused or did not answer; the kind says whether to try again
   */
  reconcile(known: ProjectRecord, signal: AbortSignal, requestId?: string): Promise<ReconcileResult>;
}

/** More steps than any path through {@link decide} has; beyond it something undoes our work as fast as we do it. */
const maxSteps = 10;

export function createReconciler(deps: {
  db: Database;
  kubernetes: KubernetesClient;
  writer: StatusWriter;
  settings: PodSettings;
  now: () => Date;
  /** Random text, long enough that nobody guesses it. */
  newToken: () => string;
  afterStep?: AfterStep | undefined;
}): Reconciler {
  const { db, kubernetes, writer, settings, now, newToken, afterStep } = deps;

  return {
    async reconcile(known, signal, requestId) {
      let desired: ProjectRecord | null = known;
      let actual: Actual | null = null;
      for (let step = 0; step < maxSteps; step++) {
        signal.throwIfAborted();
        // The row after the cluster: an object of a wish that came meanwhile was made after that wish was written.
        actual ??= isNeverReconciled(desired) ? await readNew(desired) : await read(desired);
        desired = await findProject(db, known.id);
        if (!desired) return { kind: 'done' };
        const effect = decide(desired, actual, now().getTime());
        switch (effect.kind) {
          case 'settled':
            await writer.recordAcknowledged(desired, { settled: actual });
            return { kind: 'done' };
          case 'wait':
            if (effect.acknowledged) await writer.recordAcknowledged(desired, { settled: null });
            return { kind: 'done' };
          case 'requeue':
            return effect;
          case 'conflict':
            throw new KubernetesError(
              'terminal',
              'name-conflict',
              `The ${effect.object} belongs to somebody else and is left alone. An administrator must rename or remove it.`,
              { status: 409 },
            );
          default:
            actual = await apply(effect, desired, { actual, requestId });
            await afterStep?.(effect.kind);
        }
      }
      throw new KubernetesError(
        'transient',
        'cluster-error',
        'The objects of the project keep changing under our hands.',
        {
          status: 0,
        },
      );
    },
  };

  /** Without a claim there is no pod of ours yet; another's would show when ours is made. One request instead of two. */
  async function readNew(desired: ProjectRecord): Promise<Actual> {
    const claim = await kubernetes.readClaim(desired.workspacePvcName);
    return { claim, pod: claim && (await kubernetes.readPod(desired.podName)) };
  }

  async function read(desired: ProjectRecord): Promise<Actual> {
    const [pod, claim] = await Promise.all([
      kubernetes.readPod(desired.podName),
      kubernetes.readClaim(desired.workspacePvcName),
    ]);
    return { pod, claim };
  }

  /** The secret of the project, which the pod needs before it can start. */
  async function createAccess(desired: ProjectRecord, claim: KubernetesClaim): Promise<void> {
    await kubernetes.createSecret(
      accessSecretManifest(desired, {
        claimUid: claim.metadata.uid,
        installationId: settings.installationId,
        token: newToken(),
      }),
    );
  }

  /** Does one effect. Returns what is there afterwards, or `null` when only a fresh read can tell. */
  async function apply(
    effect: Extract<Effect, { kind: `${'create' | 'delete'}-${'pod' | 'claim'}` }>,
    desired: ProjectRecord,
    { actual, requestId }: { actual: Actual; requestId: string | undefined },
  ): Promise<Actual | null> {
    const leaving = now().toISOString();
    try {
      switch (effect.kind) {
        case 'create-claim':
          return { ...actual, claim: await kubernetes.createClaim(claimManifest(desired, settings)) };
        case 'create-pod':
          if (actual.claim) await createAccess(desired, actual.claim);
          return { ...actual, pod: await kubernetes.createPod(podManifest(desired, settings, requestId)) };
        case 'delete-pod': {
          await kubernetes.deletePod(effect.pod.metadata);
          return {
            ...actual,
            pod: { ...effect.pod, metadata: { ...effect.pod.metadata, deletionTimestamp: leaving } },
          };
        }
        case 'delete-claim': {
          await kubernetes.deleteClaim(effect.claim.metadata);
          return {
            ...actual,
            claim: { ...effect.claim, metadata: { ...effect.claim.metadata, deletionTimestamp: leaving } },
          };
        }
      }
    } catch (error) {
      // Somebody was quicker, or the object is another one by now: what is there decides.
      if (error instanceof KubernetesError && (error.kind === 'already-exists' || error.kind === 'conflict'))
        return null;
      throw error;
    }
  }
}

/** Its first wish, which no attempt has carried out. */
function isNeverReconciled(desired: ProjectRecord): boolean {
  return desired.generation === 1 && desired.observedGeneration === 0;
}
