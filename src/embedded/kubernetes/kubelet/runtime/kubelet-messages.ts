/** Messages of the kubelet, with exactly its wording, because people and programs search for it. */

import { textAt, valueAt, type Json, type JsonObject } from '../../api/kube-object.ts';

export function crashBackOffMessage(
  container: JsonObject,
  pod: { name: string; namespace: string; uid: string },
  pauseMs: number,
): string {
  return `back-off ${duration(pauseMs)} restarting failed container=${textAt(container, 'name')} pod=${pod.name}_${pod.namespace}(${pod.uid})`;
}

export function pullBackOffMessage(image: string): string {
  return `Back-off pulling image "${image}"`;
}

export function unhealthyMessage(
  kind: 'startup' | 'readiness' | 'liveness',
  probe: Json | undefined,
  { ip, failure }: { ip: string; failure: string | undefined },
): string {
  const title = `${kind[0]?.toUpperCase()}${kind.slice(1)} probe failed`;
  if (failure !== undefined) return `${title}: ${failure}`;
  if (valueAt(probe, 'exec') !== undefined) {
    return `${title}: curl: (7) Failed to connect to 127.0.0.1 port 3000 after 0 ms: Couldn't connect to server`;
  }
  const port = textAt(probe, 'httpGet', 'port') || textAt(probe, 'tcpSocket', 'port') || '80';
  const address = `${ip}:${port}`;
  const path = textAt(probe, 'httpGet', 'path');
  return kind === 'liveness'
    ? `${title}: HTTP probe failed with statuscode: 500`
    : `${title}: Get "http://${address}${path}": dial tcp ${address}: connect: connection refused`;
}

/** `10s`, `1m20s`, `5m0s`, as Go prints a duration. The short pauses of tests are printed in milliseconds. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
