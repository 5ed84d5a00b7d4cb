/** The simulated log of a container. */

import { objectsAt, textAt, valueAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import type { LogLine } from '../../../api/pod-subresources.ts';

/**
 * The log of a container. No process runs, so the lines are computed from the status of the pod. They are the same after a
 * restart and need no storage. The first line says that they are simulated.
 */
export function containerLog(
  pod: KubeObject,
  container: string,
  { previous, nowMs }: { previous: boolean; nowMs: number },
): LogLine[] {
  const status = objectsAt(pod, 'status', 'containerStatuses').find((item) => item['name'] === container);
  const spec = objectsAt(pod, 'spec', 'containers').find((item) => item['name'] === container);
  if (status === undefined || spec === undefined) return [];
  const current = valueAt(status, 'state', 'running') ?? valueAt(status, 'state', 'terminated');
  // While a container waits for its restart, its log is that of the last run.
  const run = previous || current === undefined ? valueAt(status, 'lastState', 'terminated') : current;
  const startedAtMs = Date.parse(textAt(run, 'startedAt'));
  if (run === undefined || Number.isNaN(startedAtMs)) return [];
  const lines: LogLine[] = [
    {
      atMs: startedAtMs,
      text: 'This is the embedded Kubernetes: no container runs. These lines are simulated from the status of the pod.',
    },
    { atMs: startedAtMs + 1, text: `starting ${textAt(spec, 'image')} as ${container}` },
  ];
  const exitCode = valueAt(run, 'exitCode');
  if (exitCode === undefined) lines.push(...runningLines(spec, status, { startedAtMs, nowMs }));
  else lines.push(endLine(run, container, startedAtMs));
  return lines;
}

function endLine(run: ReturnType<typeof valueAt>, container: string, startedAtMs: number): LogLine {
  const endedAtMs = Date.parse(textAt(run, 'finishedAt'));
  const reason = textAt(run, 'reason');
  const code = textAt(run, 'exitCode');
  const message =
    reason === 'OOMKilled'
      ? 'fatal: out of memory'
      : code === '0'
        ? `${container} has finished`
        : `error: ${container} stopped with exit code ${code}`;
  return { atMs: Math.max(endedAtMs, startedAtMs + 2), text: message };
}

/** One line for each ten seconds of the run, and at most the last hundred of them. */
function runningLines(
  spec: JsonObject,
  status: JsonObject,
  { startedAtMs, nowMs }: { startedAtMs: number; nowMs: number },
): LogLine[] {
  const port = textAt(objectsAt(spec, 'ports')[0], 'containerPort');
  const path = textAt(spec, 'readinessProbe', 'httpGet', 'path') || '/';
  const lines: LogLine[] = [];
  if (port !== '') lines.push({ atMs: startedAtMs + 2, text: `listening on 0.0.0.0:${port}` });
  if (status['ready'] !== true) return lines;
  const stepMs = 10_000;
  const steps = Math.floor((nowMs - startedAtMs) / stepMs);
  for (let step = Math.max(0, steps - 99); step <= steps; step += 1) {
    lines.push({ atMs: startedAtMs + 3 + step * stepMs, text: `GET ${path} 200` });
  }
  return lines;
}
