/** A small HTTPS client for the Kubernetes API: calls and watches. It never retries; its callers do. */

import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

import { isJsonObject, textAt, type Json, type JsonObject } from '../api/kube-object.ts';
import type { ApiConnection } from './api-connection.ts';

/** An error answer of the API. */
export class ApiFailure extends Error {
  readonly code: number;
  readonly reason: string;
  readonly body: JsonObject;

  constructor(code: number, body: JsonObject) {
    super(textAt(body, 'message') || `The Kubernetes API answered ${code}.`);
    this.name = 'ApiFailure';
    this.code = code;
    this.reason = textAt(body, 'reason');
    this.body = body;
  }
}

interface CallOptions {
  query?: Record<string, string>;
  body?: Json;
  contentType?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export type ApiClient = ReturnType<typeof createApiClient>;

/**
 * Creates a client for the API of a connection. It keeps a few connections open, and a call fails when the API sends
 * nothing for `timeoutMs`.
 */
export function createApiClient(options: {
  connection: ApiConnection;
  userAgent: string;
  timeoutMs?: number;
  maxSockets?: number;
}) {
  const { tls, headers } = options.connection;
  const base = new URL(options.connection.url);
  const callAgent = new Agent({ keepAlive: true, maxSockets: options.maxSockets ?? 16, ...tls });
  // Watches have connections of their own, so that no short call has to wait for one.
  const watchAgent = new Agent({ keepAlive: false, ...tls });
  const timeoutMs = options.timeoutMs ?? 10_000;

  async function open(
    method: string,
    path: string,
    call: CallOptions,
    { idleMs, agent }: { idleMs: number; agent: Agent },
  ): Promise<IncomingMessage> {
    const query = new URLSearchParams(call.query).toString();
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    return await new Promise((resolve, reject) => {
      const sent = httpsRequest(
        {
          host: base.hostname,
          port: base.port === '' ? 443 : base.port,
          method,
          path: `${base.pathname.replace(/\/$/, '')}${path}${query === '' ? '' : `?${query}`}`,
          agent,
          timeout: idleMs,
          ...(call.signal === undefined ? {} : { signal: call.signal }),
          headers: {
            ...headers,
            accept: 'application/json',
            'user-agent': options.userAgent,
            ...(payload === undefined
              ? {}
              : {
                  'content-type': call.contentType ?? 'application/json',
                  'content-length': `${Buffer.byteLength(payload)}`,
                }),
            ...call.headers,
          },
        },
        resolve,
      );
      sent.on('timeout', () =>
        sent.destroy(new Error(`The Kubernetes API sent nothing for ${idleMs} ms (${method} ${path}).`)),
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  }

  async function send(method: string, path: string, call: CallOptions = {}): Promise<JsonObject> {
    const response = await open(method, path, call, { idleMs: timeoutMs, agent: callAgent });
    const body = parse(await readText(response));
    const code = response.statusCode ?? 0;
    if (code < 200 || code > 299) throw new ApiFailure(code, body);
    return body;
  }

  return {
    get: (path: string, query?: Record<string, string>, signal?: AbortSignal): Promise<JsonObject> =>
      send('GET', path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) }),
    call: send,

    /** The lines of a streamed answer, until the API ends it. Throws when the stream breaks, is silent or is refused. */
    async *lines(path: string, callOptions: CallOptions & { idleMs: number }): AsyncGenerator<string> {
      const response = await open('GET', path, callOptions, { idleMs: callOptions.idleMs, agent: watchAgent });
      const code = response.statusCode ?? 0;
      if (code !== 200) throw new ApiFailure(code, parse(await readText(response)));
      response.setEncoding('utf8');
      let rest = '';
      for await (const chunk of response) {
        const lines = `${rest}${String(chunk)}`.split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield line;
      }
    },

    /** Closes every connection. Running calls fail. */
    close(): void {
      callAgent.destroy();
      watchAgent.destroy();
    },
  };
}

async function readText(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

function parse(text: string): JsonObject {
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? body : { message: text.slice(0, 500) };
  } catch {
    return { message: text.slice(0, 500) };
  }
}

/** Whether an error is an answer of the API with one of these codes. */
export function isFailure(error: unknown, ...codes: number[]): boolean {
  return error instanceof ApiFailure && codes.includes(error.code);
}
