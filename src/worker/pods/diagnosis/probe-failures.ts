/** A container that fails a startup, liveness or readiness probe. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerEnd } from '../kube/kubernetes-pod.ts';
import { timeOf } from '../kube/kubernetes-time.ts';
import { actorFor, describeRestart, type ContainerCase } from './container-case.ts';
import { nameContainer } from './container-roles.ts';
import { deadlines } from './deadlines.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOfEvent } from './evidence.ts';
import { meaningfulPart, withoutNames } from './report-text.ts';
import { isSince } from './snapshot-events.ts';

/** The kubelet reports killings at most once a minute, so the event may be about an earlier run of the container. */
const killingMaxAgeMs = 5 * 60_000;

function isProbeKilling({ reason, message }: KubernetesEvent): boolean {
  return reason === 'Killing' && /failed (startup|liveness) probe/.test(message);
}

/** The event which says that a failed probe ended this run. The exit code does not say so. */
export function killingOfRun({ container, events }: ContainerCase, end: ContainerEnd): KubernetesEvent | undefined {
  const finished = timeOf(end.finishedAt);
  const isNear = (event: KubernetesEvent) =>
    finished === null || Math.abs((timeOf(event.at) ?? finished) - finished) < killingMaxAgeMs;
  return events.findLast(
    (event) => event.involvedObject.container === container.name && isProbeKilling(event) && isNear(event),
  );
}

/** @param killing an event about this container, as {@link killingOfRun} returns it */
export function diagnoseProbeKill({ container, events }: ContainerCase, killing: KubernetesEvent): Diagnosis {
  const isStartup = /startup probe/.test(killing.message);
  const unhealthy = events.findLast(
    ({ involvedObject, reason, message }) =>
      involvedObject.container === container.name &&
      reason === 'Unhealthy' &&
      message.startsWith(isStartup ? 'Startup' : 'Liveness'),
  );
  const texts = isStartup
    ? {
        message: `${nameContainer(container.name)} did not start to answer within its time limit.`,
        nextStep: `Check what it is waiting for. ${describeRestart(container)}`,
      }
    : {
        message: `${nameContainer(container.name)} no longer answers and must restart.`,
        nextStep: `Check what keeps it busy. ${describeRestart(container)}`,
      };
  return createDiagnosis({
    state: 'failing',
    reason: isStartup ? 'startup-failing' : 'liveness-failing',
    ...texts,
    actor: actorFor(container.name),
    since: killing.firstAt,
    evidence: [evidenceOfEvent(killing), ...(unhealthy ? [evidenceOfEvent(unhealthy)] : [])],
  });
}

/** A running container which a failed probe is about to end, or which does not become ready. */
export function probeFailure(given: ContainerCase): Diagnosis | null {
  const { container, events, now } = given;
  const { running } = container.state;
  if (!running) return null;
  const eventsOfRun = events.filter(
    (event) => event.involvedObject.container === container.name && isSince(event, running.startedAt),
  );
  const killing = eventsOfRun.findLast(isProbeKilling);
  if (killing) return diagnoseProbeKill(given, killing);
  if (container.ready) return null;
  const unready = eventsOfRun.findLast(
    ({ reason, message }) => reason === 'Unhealthy' && message.startsWith('Readiness'),
  );
  if (!unready) return null;
  // In the first moments of every start the port is not open yet.
  const isRefused = /connection refused|Failed to connect/.test(unready.message);
  if (isRefused && (timeOf(running.startedAt) ?? 0) + deadlines.portClosedMs > now) return null;
  return createDiagnosis({
    state: 'failing',
    reason: 'readiness-failing',
    message: `${nameContainer(container.name)} runs but is not ready: ${readinessCause(unready.message)}.`,
    nextStep:
      'It becomes ready as soon as it answers. If this does not happen, check what it is waiting for, or restart.',
    actor: actorFor(container.name),
    since: unready.firstAt,
    evidence: [evidenceOfEvent(unready)],
  });
}

/** `pkg/probe`: http, tcp, grpc and exec write what they saw. */
function readinessCause(message: string): string {
  if (/probe errored/i.test(message)) return 'its node (machine) could not run its readiness check';
  const found = withoutNames(message.replace(/^Readiness probe failed:?/i, ''));
  if (/deadline exceeded|timeout|timed out/i.test(found)) return 'it does not answer its readiness check in time';
  const status = /(?:statuscode|returned error): (\d+)/i.exec(message)?.[1];
  if (status !== undefined) return `it answers its readiness check with an error (HTTP ${status})`;
  if (/connection refused|failed to connect/i.test(found))
    return 'its readiness check fails, because it does not listen yet';
  if (/NOT_SERVING/.test(message)) return 'its readiness check fails: it says itself that it is not ready';
  const reported = meaningfulPart(message.replace(/^Readiness probe failed:?/i, '')).replaceAll('"', "'");
  return reported === '' ? 'its readiness check fails' : `its readiness check fails and reports: "${reported}"`;
}
