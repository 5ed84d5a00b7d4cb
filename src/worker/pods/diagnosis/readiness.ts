/** A pod whose containers are all ready although the pod is not: what is still missing, and who can help. */

import { conditionOf, type ContainerStatus, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf } from './evidence.ts';
import { kubernetesReports } from './quote.ts';

/** Sidecars of the kind that Kubernetes starts among the init containers (KEP-753). */
export function nativeSidecars(pod: KubernetesPod): ContainerStatus[] {
  const names = new Set(
    pod.spec.initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  return pod.status.initContainerStatuses.filter(({ name }) => names.has(name));
}

/** The conditions of readiness gates that are not True. Another program must set them (KEP-580). */
function openGates(pod: KubernetesPod): string[] {
  return pod.spec.readinessGates
    .map(({ conditionType }) => conditionType)
    .filter((type) => conditionOf(pod, type)?.status !== 'True');
}

/** Call it only when every container of the pod is ready. */
export function diagnoseUnreadyPod({ pod, now }: { pod: KubernetesPod; now: number }): Diagnosis {
  const ready = conditionOf(pod, 'Ready');
  const since = conditionOf(pod, 'ContainersReady')?.lastTransitionTime ?? ready?.lastTransitionTime ?? null;
  const isOver = isOverdue(since, deadlines.foreignMs, now);
  const evidence = [
    evidenceOf({
      source: 'pod',
      subject: 'Ready',
      text: ready?.message ?? ready?.reason,
      reason: ready?.reason ?? null,
    }),
  ];
  const common = {
    state: isOver ? ('failing' as const) : ('starting' as const),
    actor: isOver ? ('administrator' as const) : ('nobody' as const),
    since,
    recheckAt: deadlineAfter(since, deadlines.foreignMs, now),
    evidence,
  };
  const [gate] = openGates(pod);
  if (gate !== undefined) {
    const reported = conditionOf(pod, gate);
    return createDiagnosis({
      ...common,
      reason: 'readiness-gate',
      message: `The containers are ready, but the check "${gate}" of another program has not confirmed the pod yet.`,
      nextStep: isOver
        ? 'An administrator must check the program behind this readiness gate, for example a load balancer.'
        : 'The project is ready as soon as that program confirms it.',
      evidence: reported
        ? [
            ...evidence,
            evidenceOf({
              source: 'pod',
              subject: gate,
              text: reported.message ?? reported.status,
              reason: reported.reason ?? null,
            }),
          ]
        : evidence,
    });
  }
  const sidecar = nativeSidecars(pod).find((status) => !status.ready);
  const message = sidecar
    ? `The containers are ready, but the container ${sidecar.name}, which another program has added to the pod, is not.`
    : `The containers are ready, but Kubernetes does not report the pod as ready yet.${ready?.message || ready?.reason ? ` ${kubernetesReports(ready.message ?? ready.reason ?? '')}` : ''}`;
  return createDiagnosis({
    ...common,
    state: 'starting',
    reason: isOver ? 'starting-slow' : 'starting',
    message,
    nextStep: isOver
      ? `An administrator must check ${sidecar ? 'this container' : 'the node'}.`
      : 'This continues by itself.',
  });
}
