/**
 * A pod without a node: why no node takes it, and what the cluster does about it. The claim counts first, then what holds the
 * pod back, then the scheduler's message.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import { conditionOf, type KubernetesPod } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { diagnoseClaim, isAboutBinding, isAboutEarlierClaim } from './claims.ts';
import { deadlineAfter, deadlines, isOverdue } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { isScalingRefusal, nodeScaling } from './node-scaling.ts';
import type { PodSnapshot } from './pod-snapshot.ts';
import { kubernetesReports } from './quote.ts';
import { causeUnknown } from './report-text.ts';
import { obstaclesOf } from './scheduling-obstacles.ts';

const noNode = 'No node (a machine of the cluster) can take the project';
const continues = 'The start then continues by itself.';

/** What the scheduler said last about a pod. */
interface SchedulerReport {
  /** Of the condition PodScheduled: Unschedulable, SchedulingGated, SchedulerError, or a scheduler's own. */
  reason: string;
  message: string;
  since: string | null;
  evidence: Diagnosis['evidence'];
}

/** @param events events of this pod, oldest first */
export function diagnoseScheduling(snapshot: PodSnapshot, events: KubernetesEvent[]): Diagnosis {
  const report = schedulerReport(snapshot.pod, events);
  const claim = diagnoseClaim({ ...snapshot, schedulerMessage: report?.message ?? '' });
  if (claim) return claim;
  if (!report || (isAboutBinding(report.message) && report.reason === 'Unschedulable'))
    return diagnoseWaiting(snapshot);
  if (isAboutEarlierClaim(report.message, snapshot.claim))
    return diagnoseWaiting(snapshot, snapshot.claim?.metadata.creationTimestamp);
  switch (report.reason) {
    case 'SchedulingGated':
      return diagnoseGates(snapshot, report);
    case 'Unschedulable':
      return diagnoseRoom(snapshot, report) ?? diagnoseScaling(snapshot, report, events) ?? diagnoseObstacles(report);
    default:
      return diagnoseSchedulerError(snapshot, report);
  }
}

/**
 * The condition PodScheduled with its newest message. The scheduler writes the condition after its event, and skips the write
 * when it believes that nothing has changed. So an event that is newer than the text of the condition counts.
 */
function schedulerReport(pod: KubernetesPod, events: KubernetesEvent[]): SchedulerReport | null {
  const condition = conditionOf(pod, 'PodScheduled');
  if (condition?.status !== 'False') return null;
  const { reason = '', message: stated = '', lastTransitionTime } = condition;
  const reports = events.filter((event) => event.reason === 'FailedScheduling' && !isScalingRefusal(event));
  const newest = reports.at(-1);
  const reported = reports.findLast((event) => event.message === stated);
  const isNewer = newest && reported && (timeOf(newest.firstAt) ?? 0) > (timeOf(reported.at) ?? 0);
  const message = reason === 'Unschedulable' && isNewer ? newest.message : stated;
  return {
    reason,
    message,
    since: lastTransitionTime ?? null,
    evidence: [evidenceOf({ source: 'pod', subject: 'PodScheduled', text: message, reason: reason || null })],
  };
}

/** KEP-3521: another program holds the pod back and removes its gate when it may be scheduled. */
function diagnoseGates({ pod, now }: PodSnapshot, { since, evidence }: SchedulerReport): Diagnosis {
  const gates = pod.spec.schedulingGates.map(({ name }) => name);
  const isQueue = gates.some((name) => name.startsWith('kueue.x-k8s.io/'));
  const isOver = isOverdue(since, deadlines.foreignMs, now);
  const named = gates.length === 0 ? 'by a scheduling gate' : `by the scheduling gate "${gates[0]}"`;
  return createDiagnosis({
    state: 'starting',
    reason: 'scheduling-gated',
    message: isQueue
      ? `The project waits in the queue of the cluster: it is held back ${named}.`
      : `The project may not start yet: it is held back ${named}.`,
    nextStep: isOver
      ? `An administrator must check the program that set it${isQueue ? ', and the quota of its queue' : ''}. ${continues}`
      : 'The program that set it decides when the start continues.',
    actor: isOver ? 'administrator' : 'nobody',
    since,
    recheckAt: deadlineAfter(since, deadlines.foreignMs, now),
    evidence: [...evidence, evidenceOf({ source: 'pod', subject: 'schedulingGates', text: gates.join(', ') })],
  });
}

/** status.nominatedNodeName: pods of lower priority are ending there (framework/preemption/preemption.go). */
function diagnoseRoom({ pod, now }: PodSnapshot, { message, since, evidence }: SchedulerReport): Diagnosis | null {
  const node = pod.status.nominatedNodeName;
  if (!node && !/terminating pod on the nominated node/i.test(message)) return null;
  const isOver = isOverdue(since, deadlines.roomMs, now);
  return createDiagnosis({
    state: 'starting',
    reason: 'waiting-for-node',
    message: `Room for the project is being made on ${node ? `the node ${node}` : 'a node'} (a machine of the cluster): pods of lower priority are ending there.`,
    nextStep: isOver
      ? `This takes longer than usual. An administrator must check the pods that end on this node. ${continues}`
      : 'This continues by itself as soon as they have ended.',
    actor: isOver ? 'administrator' : 'nobody',
    since,
    recheckAt: deadlineAfter(since, deadlines.roomMs, now),
    evidence,
  });
}

function diagnoseScaling(
  { pod, now }: PodSnapshot,
  report: SchedulerReport,
  events: KubernetesEvent[],
): Diagnosis | null {
  const scaling = nodeScaling(events, { createdAt: pod.metadata.creationTimestamp, now });
  if (!scaling) return null;
  const evidence = [evidenceOfEvent(scaling.event), ...report.evidence];
  switch (scaling.kind) {
    case 'adding':
      return createDiagnosis({
        state: 'starting',
        reason: 'scaling-up',
        ...(scaling.isNew
          ? {
              message: 'No node (a machine of the cluster) has room, so a new one is being added.',
              nextStep: 'The start continues by itself when the new node is ready. That takes some minutes.',
            }
          : {
              message: 'A node (a machine of the cluster) is chosen for the project and will soon have room for it.',
              nextStep: 'This continues by itself.',
            }),
        since: scaling.event.firstAt,
        recheckAt: scaling.recheckAt,
        evidence,
      });
    case 'gave-up':
      return createDiagnosis({
        state: 'failing',
        reason: 'unschedulable',
        message: `${noNode}: ${obstaclesOf(report.message).text}. A new node was requested more than 15 minutes ago and has not come.`,
        nextStep: `An administrator must check why the cluster adds no node. ${continues}`,
        since: report.since,
        evidence,
      });
    case 'refused':
      return {
        ...diagnoseObstacles(report, `The cluster adds no node by itself: ${scaling.why}. `),
        evidence,
      };
  }
}

/** @param begin the beginning of the next step */
function diagnoseObstacles({ message, since, evidence }: SchedulerReport, begin = ''): Diagnosis {
  const { text, action, isKnown } = obstaclesOf(message);
  const toDo = isKnown ? `An administrator must ${action ?? 'check the nodes'}.` : causeUnknown('the nodes');
  return createDiagnosis({
    state: 'failing',
    reason: 'unschedulable',
    message: `${noNode}: ${text === '' ? 'Kubernetes does not say why' : text}.`,
    nextStep: `${begin}${toDo} ${continues}`,
    since,
    evidence,
  });
}

/** schedule_one.go: SchedulerError, when a step failed after a node was chosen. The scheduler tries again. */
function diagnoseSchedulerError({ now }: PodSnapshot, { message, since, evidence }: SchedulerReport): Diagnosis {
  const isOver = isOverdue(since, deadlines.schedulingMs, now);
  return createDiagnosis({
    state: isOver ? 'failing' : 'starting',
    reason: 'waiting-for-node',
    message: `The scheduler could not assign the project to a node (a machine of the cluster). ${kubernetesReports(message)}`,
    nextStep: isOver
      ? `It tries again by itself. If this continues, an administrator must check the scheduler.`
      : 'It tries again by itself.',
    actor: isOver ? 'administrator' : 'nobody',
    since,
    recheckAt: deadlineAfter(since, deadlines.schedulingMs, now),
    evidence,
  });
}

/**
 * The scheduler has not decided about the pod yet.
 * @param from since when it could
 */
function diagnoseWaiting({ pod, now }: PodSnapshot, from?: string | null): Diagnosis {
  const since = from ?? pod.metadata.creationTimestamp;
  const { schedulerName } = pod.spec;
  const scheduler =
    !schedulerName || schedulerName === 'default-scheduler'
      ? 'the scheduler of the cluster'
      : `whether the scheduler "${schedulerName}" runs`;
  if (isOverdue(since, deadlines.schedulingMs, now)) {
    return createDiagnosis({
      state: 'starting',
      reason: 'waiting-for-node',
      message: 'The project has been waiting for a node (a machine of the cluster) longer than usual.',
      nextStep: `If this continues, an administrator must check ${scheduler}.`,
      actor: 'administrator',
      since,
    });
  }
  return createDiagnosis({
    state: 'starting',
    reason: 'waiting-for-node',
    message: 'The project is waiting for a node (a machine of the cluster).',
    nextStep: 'The scheduler chooses one by itself.',
    since,
    recheckAt: deadlineAfter(since, deadlines.schedulingMs, now),
  });
}
