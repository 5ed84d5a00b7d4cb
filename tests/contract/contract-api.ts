/** A client for the contract tests that starts an API and sends plain HTTP requests to it. */

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';

import { KubeConfig } from '@kubernetes/client-node';

import { isJsonObject, textAt, type Json, type JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';
import type { RunningTarget, Target } from './targets.ts';

export interface Answer {
  code: number;
  body: JsonObject;
  text: string;
}

export interface Call {
  query?: Record<string, string>;
  body?: Json;
  /** Sent as it is, instead of `body`. */
  rawBody?: string;
  contentType?: string;
  accept?: string;
  /** `none` leaves the header out. */
  token?: string;
}

interface WatchEvent {
  type: string;
  object: JsonObject;
}

/** An open watch and the events that it has received. */
export interface OpenWatch {
  events: WatchEvent[];
  /** The first past or future event that passes the test. Rejects after ten seconds. */
  next: (test: (event: WatchEvent) => boolean) => Promise<WatchEvent>;
  /** Resolves when the API ends the stream. */
  ended: Promise<void>;
  stop: () => void;
}

export type ContractApi = Awaited<ReturnType<typeof openApi>>;

export const mergePatch = 'application/merge-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const jsonPatch = 'application/json-patch+json';

/** Starts a target. The suites send plain HTTP requests to it, so that they check exactly what is sent. */
export async function openApi(target: Target) {
  const running: RunningTarget = await target.start();
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(running.kubeconfigPath);
  const base = new URL(kubeConfig.getCurrentCluster()?.server ?? '');
  const token = kubeConfig.getCurrentUser()?.token ?? '';
  const tls: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(tls);
  const agent = new Agent({ keepAlive: true, ca: tls.ca });

  async function open(method: string, path: string, call: Call, signal?: AbortSignal): Promise<IncomingMessage> {
    const query = new URLSearchParams(call.query).toString();
    const payload = call.rawBody ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json' };
    if (call.token !== 'none') headers['authorization'] = `Bearer ${call.token ?? token}`;
    if (payload !== undefined) {
      headers['content-type'] = call.contentType ?? 'application/json';
      headers['content-length'] = `${Buffer.byteLength(payload)}`;
    }
    return await new Promise((resolve, reject) => {
      const sent = request(
        {
          host: base.hostname,
          port: base.port,
          method,
          path: query === '' ? path : `${path}?${query}`,
          agent,
          headers,
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  async function send(method: string, path: string, options: Call = {}): Promise<Answer> {
    const response = await open(method, path, options);
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { code: response.statusCode ?? 0, body: parse(text), text };
  }

  return {
    target: running,
    kubeConfig,
    call: send,
    get: async (path: string, query: Record<string, string> = {}) => await send('GET', path, { query }),
    post: async (path: string, body: Json, query: Record<string, string> = {}) =>
      await send('POST', path, { body, query }),
    put: async (path: string, body: Json, query: Record<string, string> = {}) =>
      await send('PUT', path, { body, query }),
    patch: async (path: string, contentType: string, body: Json) => await send('PATCH', path, { body, contentType }),
    remove: async (path: string, body?: Json, query: Record<string, string> = {}) =>
      await send('DELETE', path, { ...(body === undefined ? {} : { body }), query }),

    /** Creates a namespace for one test. Returns the paths of its collections. */
    async newNamespace() {
      const name = `test-${randomBytes(4).toString('hex')}`;
      const answer = await send('POST', '/api/v1/namespaces', {
        body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      });
      if (answer.code !== 201) throw new Error(`The namespace ${name} was not created: ${answer.text}`);
      const root = `/api/v1/namespaces/${name}`;
      return { name, pods: `${root}/pods`, claims: `${root}/persistentvolumeclaims`, events: `${root}/events` };
    },

    /** Opens a watch. */
    async watch(path: string, query: Record<string, string>, accept?: string): Promise<OpenWatch> {
      const controller = new AbortController();
      const options = { query: { watch: 'true', ...query }, ...(accept === undefined ? {} : { accept }) };
      const response = await open('GET', path, options, controller.signal);
      return followWatch(response, controller);
    },

    async close(): Promise<void> {
      agent.destroy();
      await running.stop();
    },
  };
}

function followWatch(response: IncomingMessage, controller: AbortController): OpenWatch {
  const events: WatchEvent[] = [];
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    response.setEncoding('utf8');
    let rest = '';
    try {
      for await (const chunk of response) {
        const lines = `${rest}${String(chunk)}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines.filter((text) => text !== '')) {
          const event = parse(line);
          events.push({ type: textAt(event, 'type'), object: isJsonObject(event['object']) ? event['object'] : {} });
        }
        for (const wake of waiting) wake();
      }
    } catch (error) {
      // `stop` aborts the request.
      if (!controller.signal.aborted) throw error;
    }
  };
  const ended = read();
  // A test that does not wait for the end must not fail by it.
  ended.catch(() => undefined);
  return {
    events,
    ended,
    stop: () => controller.abort(),
    next: async (test) =>
      await new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`No matching event within 10 s. Received: ${JSON.stringify(events).slice(0, 2000)}`));
        }, 10_000);
        function check(): void {
          const found = events.find(test);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(found);
        }
        waiting.add(check);
        check();
      }),
  };
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** The name and the resourceVersion of an object. */
export const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name');
export const revisionOf = (object: JsonObject): string => textAt(object, 'metadata', 'resourceVersion');

/** Reads a value again and again until it passes the test. Rejects after `timeoutMs`. */
export async function eventually<Value>(
  read: () => Promise<Value>,
  test: (value: Value) => boolean,
  timeoutMs = 10_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (test(value)) return value;
    if (Date.now() > deadline)
      throw new Error(
        `The value did not pass the test within ${timeoutMs} ms. The last one: ${JSON.stringify(value)?.slice(0, 3000)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
