/**
 * One list-and-watch loop over a resource, for as long as it is wanted. Lists all pages, watches from there, resumes
 * after a regular end, and lists again after a 410, an error, a silence and at intervals. It never gives up: every end
 * is followed by another beginning, after a back-off that honours Retry-After.
 *
 * Ours rather than the client library's informer, which stops for good after one failed list.
 */

import { setTimeout as delay } from 'node:timers/promises';

import { z } from 'zod';

import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { Log } from '../../../shared/node/log.ts';
import { parseJson } from '../../../shared/parse-json.ts';
import type { KubernetesClient, WatchedResource } from '../kube/kubernetes-client.ts';
import { causeOf, fromResponse, KubernetesError, toKubernetesError } from '../kube/kubernetes-error.ts';

export interface ListWatchHandler<T> {
  /** All that there is. Awaited before the watch begins. */
  onList(objects: T[]): Promise<void>;
  /** One change, in the order of the changes. */
  onChange(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** Connected or not; called at every sign of life and at every failure. */
  onState(state: { connected: boolean }): void;
}

export interface ListWatchOptions<T> {
  kubernetes: Pick<KubernetesClient, 'open'>;
  resource: WatchedResource;
  /** `null`: all that the namespace has. */
  labelSelector: string | null;
  schema: z.ZodType<T>;
  /** What else there is in the namespace is passed over before it takes up any memory. */
  concerns?: (object: T) => boolean;
  handler: ListWatchHandler<T>;
  log: Log;
  random: () => number;
  signal: AbortSignal;
  limits?: Partial<ListWatchLimits>;
}

/** All in milliseconds but `pageSize`. */
export interface ListWatchLimits {
  pageSize: number;
  /** The API ends each watch after this time, and we go on from where it ended. */
  watchMs: number;
  /** A watch without any byte for this long is dead: bookmarks come about once a minute. */
  idleMs: number;
  /** A list must answer within this time. */
  listMs: number;
  /** However well the watch goes, the list is compared this often. */
  relistMs: number;
  firstBackOffMs: number;
  longestBackOffMs: number;
  /** The least back-off after a refusal for want of a permission, which somebody must grant by hand. */
  forbiddenMs: number;
}

const defaultLimits: ListWatchLimits = {
  pageSize: 500,
  watchMs: 300_000,
  idleMs: 75_000,
  listMs: 10_000,
  relistMs: 600_000,
  firstBackOffMs: 200,
  longestBackOffMs: 4_000,
  forbiddenMs: 0,
};

const listSchema = z.object({
  kind: z.string().endsWith('List'),
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});

const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string().optional() }).optional() }),
});

const interrupted = 'watch interrupted; listing again';
/** One strange object must not hide all others. */
const unreadableObject = 'an object could not be read and was passed over';

/** Runs until `signal` aborts, then resolves. Never rejects. */
export async function listWatch<T>(options: ListWatchOptions<T>): Promise<void> {
  const { handler, log, random, signal, resource } = options;
  const limits = { ...defaultLimits, ...options.limits };
  let failures = 0;
  let lastProblem: ReasonCode | null = null;
  while (!signal.aborted) {
    let watchingSince: number | null = null;
    try {
      const listed = await listAll(options, limits);
      await handler.onList(listed.objects);
      lastProblem = null;
      watchingSince = performance.now();
      await watchUntilStale(options, limits, listed.resourceVersion);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      handler.onState({ connected: false });
      const problem = toKubernetesError(error);
      // A list that succeeds before a watch that fails at once is no recovery: the pauses must go on growing.
      const recovered = watchingSince !== null && performance.now() - watchingSince > limits.longestBackOffMs;
      failures = recovered ? 1 : failures + 1;
      const step = Math.min(limits.firstBackOffMs * 2 ** (failures - 1), limits.longestBackOffMs);
      const longest = problem.reason === 'forbidden' ? Math.max(step, limits.forbiddenMs) : step;
      const wait = Math.max(problem.retryAfterMs ?? 0, longest / 2 + (random() * longest) / 2);
      const details = { resource, error: problem.message, cause: causeOf(problem), failures, waitMs: Math.round(wait) };
      // Said once is enough for what stays so until somebody grants it.
      if (problem.reason === 'forbidden' && lastProblem === 'forbidden') log.debug(details, interrupted);
      else log.warn(details, interrupted);
      lastProblem = problem.reason;
      await delay(wait, undefined, { signal }).catch(() => undefined); // an abort ends the wait and the loop
    }
  }
}

async function listAll<T>(
  { kubernetes, resource, labelSelector, schema, concerns, signal, log }: ListWatchOptions<T>,
  limits: ListWatchLimits,
): Promise<{ objects: T[]; resourceVersion: string }> {
  const objects: T[] = [];
  let token = '';
  for (;;) {
    const query = {
      ...(labelSelector === null ? {} : { labelSelector }),
      limit: String(limits.pageSize),
      ...(token === '' ? {} : { continue: token }),
    };
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(limits.listMs)]);
    const { body } = await kubernetes.open(resource, query, bounded);
    const list = listSchema.safeParse(parseJson(await readText(body)));
    if (!list.success) throw unreadable('list');
    for (const item of list.data.items) {
      const parsed = schema.safeParse(item);
      if (parsed.success) {
        if (!concerns || concerns(parsed.data)) objects.push(parsed.data);
      } else log.error({ resource, problem: parsed.error.message }, unreadableObject);
    }
    token = list.data.metadata.continue ?? '';
    if (token === '') return { objects, resourceVersion: list.data.metadata.resourceVersion };
  }
}

/** Watches, and resumes after each regular end, until a fresh list is due. Throws when anything else ends the watch. */
async function watchUntilStale<T>(options: ListWatchOptions<T>, limits: ListWatchLimits, from: string): Promise<void> {
  const staleAt = performance.now() + limits.relistMs;
  let resourceVersion = from;
  while (!options.signal.aborted && performance.now() < staleAt) {
    const startedAt = performance.now();
    const before = resourceVersion;
    resourceVersion = await watchOnce(options, limits, resourceVersion);
    if (resourceVersion === before && performance.now() - startedAt < 1_000) {
      throw new KubernetesError('transient', 'cluster-error', 'The watch ended as soon as it began.', { status: 0 });
    }
  }
}

/** One watch from `from` to its regular end. Returns the resource version to go on from. */
async function watchOnce<T>(
  { kubernetes, resource, labelSelector, schema, concerns, handler, signal, log }: ListWatchOptions<T>,
  limits: ListWatchLimits,
  from: string,
): Promise<string> {
  const idle = new AbortController();
  const startIdleTimer = () => setTimeout(() => idle.abort(new Error(`silent for ${limits.idleMs} ms`)), limits.idleMs);
  let timer = startIdleTimer();
  let resourceVersion = from;
  try {
    const query = {
      watch: 'true',
      ...(labelSelector === null ? {} : { labelSelector }),
      resourceVersion,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(Math.ceil(limits.watchMs / 1_000)),
    };
    const { body } = await kubernetes.open(resource, query, AbortSignal.any([signal, idle.signal]));
    handler.onState({ connected: true });
    for await (const line of readLines(body)) {
      clearTimeout(timer);
      timer = startIdleTimer();
      const event = eventSchema.safeParse(parseJson(line));
      if (!event.success) throw unreadable('watch');
      const { type, object } = event.data;
      if (type === 'ERROR') throw fromResponse({ status: Number(object['code'] ?? 500), body: object });
      if (type !== 'BOOKMARK') {
        const parsed = schema.safeParse(object);
        if (parsed.success) {
          if (!concerns || concerns(parsed.data)) handler.onChange(type, parsed.data);
        } else log.error({ resource, problem: parsed.error.message }, unreadableObject);
      }
      resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
      handler.onState({ connected: true });
    }
    return resourceVersion;
  } finally {
    clearTimeout(timer);
  }
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  // Every event ends with a line break: what is left is one that was cut off, or no event at all. The reader must see it.
  if (rest.trim() !== '') yield rest;
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** A proxy's page with status 200, for instance: believing it would "delete" every pod. */
function unreadable(what: string): KubernetesError {
  return new KubernetesError(
    'transient',
    'cluster-error',
    `The cluster's answer to a ${what} is not what Kubernetes sends.`,
    {
      status: 200,
    },
  );
}
