/** Writes Event objects about pods and claims, and counts repetitions, as Kubernetes does. */

import type { Clock } from '../../../shared/clock.ts';
import { kubeTime, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';

interface EventInput {
  about: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  component: string;
  /** Part of the object, such as `spec.containers{opencode-server}`. */
  fieldPath?: string | undefined;
}

/** An event that is in the API. */
interface WrittenEvent {
  path: string;
  count: number;
}

export type EventRecorder = ReturnType<typeof createEventRecorder>;

/** How many events are remembered. Repetitions of a remembered event only raise its count. */
const rememberedLimit = 5000;
/** How many events are written at once: few, so that a burst of events does not delay the writes of pods. */
const laneCount = 3;
const pendingLimit = 50_000;

/**
 * Records events in the background. A repetition raises the count of the event that exists. An event that cannot be
 * written is logged and dropped.
 */
export function createEventRecorder(options: {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  log: (line: string) => void;
  host: string;
}) {
  const { client, clock, signal, log, host } = options;
  const writtenEvents = new Map<string, WrittenEvent>();
  let writtenCount = 0;
  /** Queues of writes. The events of one object share a lane, so they are written in order. */
  const lanes = Array.from({ length: laneCount }, async () => {});
  let pending = 0;

  function record(event: EventInput): void {
    if (pending >= pendingLimit) return;
    pending += 1;
    const atMs = clock.now();
    const lane = Number.parseInt(event.about.metadata.uid.slice(0, 8), 16) % laneCount || 0;
    lanes[lane] = (lanes[lane] ?? Promise.resolve())
      .then(() => write(event, atMs))
      .catch((error: unknown) => {
        if (!signal.aborted)
          log(`The event ${event.reason} of ${event.about.metadata.name} was not written: ${String(error)}`);
      })
      .finally(() => {
        pending -= 1;
      });
  }

  async function write(event: EventInput, atMs: number): Promise<void> {
    if (signal.aborted) return;
    const { about, type, reason, message, component, fieldPath } = event;
    const key = JSON.stringify([about.metadata.uid, type, reason, message, fieldPath]);
    const known = writtenEvents.get(key);
    if (known !== undefined && (await countUp(known, atMs))) return;
    const namespace = about.metadata.namespace ?? 'default';
    const time = kubeTime(atMs);
    // As in Kubernetes, the time is part of the name, so that lists of events are in order.
    writtenCount += 1;
    const name = `${about.metadata.name}.${(BigInt(atMs) * 1_000_000n + BigInt(writtenCount % 1_000_000)).toString(16)}`;
    const body: JsonObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: {
        kind: about.kind,
        namespace: about.metadata.namespace,
        name: about.metadata.name,
        uid: about.metadata.uid,
        apiVersion: about.apiVersion,
        resourceVersion: about.metadata.resourceVersion,
        fieldPath,
      },
      reason,
      message,
      type,
      ...(component === 'default-scheduler'
        ? {
            // The scheduler writes the newer form of events, which has no count.
            eventTime: new Date(atMs).toISOString().replace('Z', '000Z'),
            action: reason === 'Scheduled' ? 'Binding' : 'Scheduling',
            reportingComponent: component,
            reportingInstance: `${component}-${host}`,
          }
        : {
            source: component === 'kubelet' ? { component, host } : { component },
            firstTimestamp: time,
            lastTimestamp: time,
            count: 1,
          }),
    };
    const path = `/api/v1/namespaces/${namespace}/events`;
    await client.call('POST', path, { body, signal });
    remember(key, { path: `${path}/${name}`, count: 1 });
  }

  /** Raises the count of an event. False when the event has expired. */
  async function countUp(known: WrittenEvent, atMs: number): Promise<boolean> {
    try {
      await client.call('PATCH', known.path, {
        contentType: 'application/merge-patch+json',
        body: { count: known.count + 1, lastTimestamp: kubeTime(atMs) },
        signal,
      });
      known.count += 1;
      return true;
    } catch (error) {
      if (isFailure(error, 404)) return false;
      throw error;
    }
  }

  function remember(key: string, entry: WrittenEvent): void {
    writtenEvents.set(key, entry);
    if (writtenEvents.size <= rememberedLimit) return;
    const oldest = writtenEvents.keys().next().value;
    if (oldest !== undefined) writtenEvents.delete(oldest);
  }

  return { record };
}
