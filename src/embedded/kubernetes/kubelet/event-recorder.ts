import { kubeTime, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { isFailure, type ApiClient } from './api-client.ts';
import type { Clock } from './clock.ts';

export interface EventInput {
  about: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  component: string;
  /** Part of the object, such as `spec.containers{opencode-server}`. */
  fieldPath?: string | undefined;
}

interface Told {
  path: string;
  count: number;
}

export type EventRecorder = ReturnType<typeof createEventRecorder>;

/** Similar events are counted in one object while they are remembered here. */
const rememberedLimit = 5000;
/** Few, so that a burst of events does not hold up what they are about. */
const laneCount = 3;
const pendingLimit = 50_000;

/**
 * Tells the cluster what happened, in Event objects. The same thing told again raises the count of the same event, as
 * Kubernetes does. Events are a courtesy: one that cannot be written is logged and left out.
 */
export function createEventRecorder(options: {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  log: (line: string) => void;
  host: string;
}) {
  const { client, clock, signal, log, host } = options;
  const told = new Map<string, Told>();
  let written = 0;
  /** Events of one object share a lane, so they are written in their order. */
  const lanes = Array.from({ length: laneCount }, async () => {});
  let pending = 0;

  function record(event: EventInput): void {
    if (pending >= pendingLimit) return;
    pending += 1;
    const atMs = clock.nowMs();
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
    const known = told.get(key);
    if (known !== undefined && (await countUp(known, atMs))) return;
    const namespace = about.metadata.namespace ?? 'default';
    const time = kubeTime(atMs);
    // The time in the name, as Kubernetes has it, keeps lists of events in their order.
    written += 1;
    const name = `${about.metadata.name}.${(BigInt(atMs) * 1_000_000n + BigInt(written % 1_000_000)).toString(16)}`;
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
            // The scheduler speaks the newer form of events, without counts.
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

  /** True when the event was there to be counted up. */
  async function countUp(known: Told, atMs: number): Promise<boolean> {
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

  function remember(key: string, entry: Told): void {
    told.set(key, entry);
    if (told.size <= rememberedLimit) return;
    const oldest = told.keys().next().value;
    if (oldest !== undefined) told.delete(oldest);
  }

  return { record };
}
