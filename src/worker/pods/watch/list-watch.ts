/**
 * The list-watch of one resource. It lists all pages, watches from there, and resumes after a regular end. It lists again
 * after a 410, an error or a silence, and at intervals. It never gives up: after every end it starts again, with a back-off
 * that respects Retry-After.
 *
 * The informer of the client library is not used, because it stops for ever after one failed list.
 */

import { z } from 'zod';

import { backOffMs } from '../../../shared/back-off.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { Log } from '../../../shared/node/log.ts';
import { pause } from '../../../shared/node/periodic.ts';
import { parseJson } from '../../../shared/parse-json.ts';
import type { KubernetesClient, WatchedResource } from '../kube/kubernetes-client.ts';
import { causeOf, fromResponse, KubernetesError, toKubernetesError } from '../kube/kubernetes-error.ts';
import { describeUnreadable, type UnreadableObject } from '../kube/unreadable-object.ts';

export interface ListWatchHandler<T> {
  /** The complete list, with the objects in it that cannot be read. The watch begins when the promise resolves. */
  onList(objects: T[], unreadable: UnreadableObject[]): Promise<void>;
  /** One change. The calls are in the order of the changes. */
  onChange(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  /** One change of an object that cannot be read, in the same order. One such object must not hide all others. */
  onUnreadable(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: UnreadableObject): void;
  /** Called whenever the API sends anything (connected), and at every failure (not connected). */
  onState(state: { connected: boolean }): void;
}

export interface ListWatchOptions<T> {
  kubernetes: Pick<KubernetesClient, 'open'>;
  resource: WatchedResource;
  /** `null`: every object of the namespace. */
  labelSelector: string | null;
  schema: z.ZodType<T>;
  /** Other objects are dropped before they take up memory. All objects are relevant unless given. */
  isRelevant?: (object: T) => boolean;
  handler: ListWatchHandler<T>;
  /** Ends the current watch, so that a list follows. By default only the list-watch itself decides when to list. */
  relists?: RelistRequests | undefined;
  log: Log;
  random: () => number;
  signal: AbortSignal;
  limits?: Partial<ListWatchLimits>;
}

/** All in milliseconds except `pageSize`. */
export interface ListWatchLimits {
  pageSize: number;
  /** The API ends each watch after this time. The next watch continues where it ended. */
  watchMs: number;
  /** A watch that sends nothing for this long is dead: the API sends a bookmark about once a minute. */
  idleMs: number;
  /** The API must answer a list within this time. */
  listMs: number;
  /** A new list is requested this often, even when the watch works. */
  relistMs: number;
  firstBackOffMs: number;
  longestBackOffMs: number;
  /** The shortest back-off after a refusal because of a missing permission, which somebody must grant. */
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

/** Lets other parts request a new list of every resource. */
export interface RelistRequests {
  request(): void;
  /** Calls `listener` at each request until the returned function is called. */
  onRequest(listener: () => void): () => void;
}

export function createRelistRequests(): RelistRequests {
  const listeners = new Set<() => void>();
  return {
    request() {
      for (const listener of listeners) listener();
    },
    onRequest(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

const listSchema = z.object({
  kind: z.string().endsWith('List'),
  metadata: z.object({ resourceVersion: z.string().min(1), continue: z.string().optional() }),
  items: z.array(z.unknown()),
});

const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string().optional() }).optional() }),
});

/** A missing permission, and missing or refused credentials. */
const lasting: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['forbidden', 'unauthorized']);
const interrupted = 'watch interrupted; listing again';

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
      await handler.onList(listed.objects, listed.unreadable);
      lastProblem = null;
      watchingSince = performance.now();
      await watchUntilStale(options, limits, listed.resourceVersion);
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      handler.onState({ connected: false });
      const problem = toKubernetesError(error);
      // A successful list before a watch that fails immediately is no recovery: the back-off must continue to grow.
      const recovered = watchingSince !== null && performance.now() - watchingSince > limits.longestBackOffMs;
      failures = recovered ? 1 : failures + 1;
      const waitMs = Math.max(problem.retryAfterMs ?? 0, backOffAfter(problem, failures, { limits, random }));
      const details = { resource, error: problem.message, cause: causeOf(problem), failures, waitMs };
      // What is missing stays missing until somebody provides it, so one warning is enough.
      if (lasting.has(problem.reason) && problem.reason === lastProblem) log.debug(details, interrupted);
      else log.warn(details, interrupted);
      lastProblem = problem.reason;
      await pause(waitMs, signal);
    }
  }
}

function backOffAfter(
  { reason }: KubernetesError,
  failures: number,
  { limits, random }: { limits: ListWatchLimits; random: () => number },
): number {
  const leastMs = reason === 'forbidden' ? limits.forbiddenMs : 0;
  const firstMs = Math.max(limits.firstBackOffMs, leastMs);
  return backOffMs(failures, { firstMs, longestMs: Math.max(limits.longestBackOffMs, leastMs), random });
}

async function listAll<T>(
  { kubernetes, resource, labelSelector, schema, isRelevant = () => true, signal }: ListWatchOptions<T>,
  limits: ListWatchLimits,
): Promise<{ objects: T[]; unreadable: UnreadableObject[]; resourceVersion: string }> {
  const objects: T[] = [];
  const unreadable: UnreadableObject[] = [];
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
    if (!list.success) throw notKubernetes('list');
    for (const item of list.data.items) {
      const parsed = schema.safeParse(item);
      if (!parsed.success) unreadable.push(describeUnreadable(item, parsed.error));
      else if (isRelevant(parsed.data)) objects.push(parsed.data);
    }
    token = list.data.metadata.continue ?? '';
    if (token === '') return { objects, unreadable, resourceVersion: list.data.metadata.resourceVersion };
  }
}

/**
 * Watches, and resumes after each regular end, until a new list is due or was requested. Throws when anything else ends the
 * watch.
 */
async function watchUntilStale<T>(options: ListWatchOptions<T>, limits: ListWatchLimits, from: string): Promise<void> {
  const staleAt = performance.now() + limits.relistMs;
  const requested = new AbortController();
  const ignore = options.relists?.onRequest(() => requested.abort());
  const signal = AbortSignal.any([options.signal, requested.signal]);
  let resourceVersion = from;
  try {
    while (!signal.aborted && performance.now() < staleAt) {
      const startedAt = performance.now();
      const before = resourceVersion;
      resourceVersion = await watchOnce({ ...options, signal }, limits, resourceVersion);
      if (resourceVersion === before && performance.now() - startedAt < 1_000) {
        throw new KubernetesError('transient', 'cluster-error', 'The watch ended immediately.', { status: 0 });
      }
    }
  } catch (error) {
    if (!requested.signal.aborted) throw error;
  } finally {
    ignore?.();
  }
}

/** Watches from `from` to the regular end of the watch. Returns the resource version at which to continue. */
async function watchOnce<T>(options: ListWatchOptions<T>, limits: ListWatchLimits, from: string): Promise<string> {
  const { kubernetes, resource, labelSelector, handler, signal } = options;
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
      if (!event.success) throw notKubernetes('watch');
      const { type, object } = event.data;
      if (type === 'ERROR') throw fromResponse({ status: Number(object['code'] ?? 500), body: object });
      if (type !== 'BOOKMARK') passOn(options, type, object);
      resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
      handler.onState({ connected: true });
    }
    return resourceVersion;
  } finally {
    clearTimeout(timer);
  }
}

function passOn<T>(
  { schema, isRelevant = () => true, handler }: ListWatchOptions<T>,
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  object: object,
): void {
  const parsed = schema.safeParse(object);
  if (!parsed.success) handler.onUnreadable(type, describeUnreadable(object, parsed.error));
  else if (isRelevant(parsed.data)) handler.onChange(type, parsed.data);
}

async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** The chunks of the current line. They are joined once, because a line of a megabyte has many. */
  let parts: string[] = [];
  for await (const chunk of body) {
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const last = lines.pop() ?? '';
    for (const end of lines) {
      const line = [...parts, end].join('');
      parts = [];
      if (line.trim() !== '') yield line;
    }
    parts.push(last);
  }
  const rest = parts.join('');
  // Every event ends with a line break. A rest is an incomplete event or something else, and the reader must see it.
  if (rest.trim() !== '') yield rest;
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** For example a proxy's page with status 200. Accepting it as a list would "delete" every pod. */
function notKubernetes(what: string): KubernetesError {
  return new KubernetesError(
    'transient',
    'cluster-error',
    `The cluster answered a ${what} with something that is not a Kubernetes ${what}.`,
    {
      status: 200,
    },
  );
}
