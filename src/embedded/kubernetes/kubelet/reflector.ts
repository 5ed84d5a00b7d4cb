import { isJsonObject, objectsAt, textAt, type JsonObject, type KubeObject } from '../api/kube-object.ts';
import { keyOf } from '../api/store.ts';
import { ApiFailure, type ApiClient } from './api-client.ts';
import { sleep, type Clock } from './clock.ts';

export interface ReflectorOptions {
  client: ApiClient;
  clock: Clock;
  signal: AbortSignal;
  log: (line: string) => void;
  /** Collection to mirror, such as `/api/v1/pods`. */
  path: string;
  /** Told of every object that came, changed or went; it must not throw. */
  onChange: (key: string, object: KubeObject | undefined, previous: KubeObject | undefined) => void;
}

export type Reflector = ReturnType<typeof createReflector>;

/** Longer than the API leaves between two bookmarks; a watch that is silent for so long is dead. */
const idleMs = 90_000;

/**
 * A copy of one collection, kept up to date by a watch. It lists, watches from there, resumes after every end, and lists
 * anew when it is told that it came too late. Nothing but its signal ends it.
 */
export function createReflector({ client, clock, signal, log, path, onChange }: ReflectorOptions) {
  const objects = new Map<string, KubeObject>();
  let failures = 0;

  async function list(): Promise<string> {
    const observed = new Map<string, KubeObject>();
    let next = '';
    let revision = '';
    do {
      // Pages of one list belong together, so they are read one after the other.
      const page = await client.get(path, { limit: '500', ...(next === '' ? {} : { continue: next }) }, signal);
      // Items of a list do not say what they are; the list does.
      const type = { kind: textAt(page, 'kind').replace(/List$/, ''), apiVersion: textAt(page, 'apiVersion') };
      for (const item of objectsAt(page, 'items').map((found) => ({ ...found, ...type }))) {
        if (isKubeObject(item)) observed.set(keyOfObject(item), item);
      }
      next = textAt(page, 'metadata', 'continue');
      revision = textAt(page, 'metadata', 'resourceVersion');
    } while (next !== '');
    if (revision === '') throw new Error(`The list of ${path} has no resourceVersion.`);
    for (const [key, previous] of objects) if (!observed.has(key)) replace(key, undefined, previous);
    for (const [key, object] of observed) replace(key, object, objects.get(key));
    return revision;
  }

  function replace(key: string, object: KubeObject | undefined, previous: KubeObject | undefined): void {
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    if (object?.metadata.resourceVersion !== previous?.metadata.resourceVersion) onChange(key, object, previous);
  }

  /** Follows the changes and returns where to resume; undefined asks for a new list. */
  async function watch(from: string): Promise<string | undefined> {
    let revision = from;
    const query = { watch: 'true', resourceVersion: from, allowWatchBookmarks: 'true', timeoutSeconds: '300' };
    for await (const line of client.lines(path, { query, signal, idleMs })) {
      failures = 0;
      const event: unknown = JSON.parse(line);
      const type = isJsonObject(event) ? textAt(event, 'type') : '';
      const object = isJsonObject(event) && isJsonObject(event['object']) ? event['object'] : {};
      if (type === 'ERROR') {
        if (object['code'] === 410) return undefined;
        throw new ApiFailure(Number(object['code'] ?? 500), object);
      }
      revision = textAt(object, 'metadata', 'resourceVersion') || revision;
      if (type === 'BOOKMARK' || !isKubeObject(object)) continue;
      const key = keyOfObject(object);
      replace(key, type === 'DELETED' ? undefined : object, objects.get(key));
    }
    return revision;
  }

  async function run(onListed: () => void): Promise<void> {
    let revision: string | undefined;
    while (!signal.aborted) {
      try {
        // The loop is the sequence: list, watch, resume.
        revision ??= await list();
        onListed();
        revision = await watch(revision);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiFailure && error.code === 410) revision = undefined;
        const delayMs = Math.min(5000, 100 * 2 ** Math.min(failures, 10)) * (0.5 + Math.random() / 2);
        failures += 1;
        // A resourceVersion that keeps failing may be the cause; a new list is always right.
        if (failures > 2) revision = undefined;
        log(`${path} cannot be watched (${error instanceof Error ? error.message : String(error)}); trying again.`);
        await sleep(clock, delayMs, signal);
      }
    }
  }

  return {
    get: (key: string): KubeObject | undefined => objects.get(key),
    all: (): Iterable<KubeObject> => objects.values(),
    /** Starts; resolves after the first complete list, or when it is stopped. */
    async start(): Promise<void> {
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        void run(resolve);
      });
    },
  };
}

function keyOfObject(object: KubeObject): string {
  return keyOf(object.metadata.namespace, object.metadata.name);
}

function isKubeObject(value: JsonObject): value is KubeObject {
  return isJsonObject(value['metadata']) && typeof value['metadata']['name'] === 'string';
}
