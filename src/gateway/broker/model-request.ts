/** What may pass from a pod to a provider: which paths, headers and bodies. */

import type { IncomingHttpHeaders } from 'node:http';

import { z } from 'zod';

import type { ModelProviderKind } from '../../shared/contract/models.ts';
import { parseJson } from '../../shared/parse-json.ts';

/** The API of a request, which decides the shape of its answer. */
export type Endpoint = 'messages' | 'responses' | 'chat/completions';

const endpointsByKind: Record<ModelProviderKind, readonly Endpoint[]> = {
  anthropic: ['messages'],
  openai: ['responses', 'chat/completions'],
  'openai-compatible': ['chat/completions'],
};

export interface ModelPath {
  provider: string;
  endpoint: Endpoint;
}

/** @returns `null` for every path but `/llm/<provider>/<endpoint>`, also when it is only written differently */
export function parseModelPath(url: string): ModelPath | null {
  const [, provider, endpoint] =
    /^\/llm\/([a-z0-9][a-z0-9-]{0,39})\/(messages|responses|chat\/completions)$/.exec(url) ?? [];
  // The expression has only these three.
  return provider === undefined ? null : { provider, endpoint: endpoint as Endpoint };
}

export const isOffered = (kind: ModelProviderKind, endpoint: Endpoint): boolean =>
  endpointsByKind[kind].includes(endpoint);

const passedHeaders = ['accept', 'anthropic-beta', 'anthropic-version', 'openai-beta', 'user-agent'];

/** The headers of the request to the provider. Everything else stays here: credentials, cookies, names of organisations. */
export function providerHeaders(
  headers: IncomingHttpHeaders,
  { kind, key, bodyBytes }: { kind: ModelProviderKind; key: string; bodyBytes: number },
): Record<string, string> {
  const passed = passedHeaders.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return {
    ...Object.fromEntries(passed),
    ...(kind === 'anthropic' ? { 'anthropic-version': String(headers['anthropic-version'] ?? '2023-06-01') } : {}),
    ...(kind === 'anthropic' ? { 'x-api-key': key } : { authorization: `Bearer ${key}` }),
    'content-type': 'application/json',
    'content-length': String(bodyBytes),
    'accept-encoding': 'identity',
  };
}

const passedBack = /^(?:content-type|retry-after(?:-ms)?|(?:x-)?request-id|(?:anthropic|x)-ratelimit-[a-z-]+)$/;

/** The headers of the answer to the pod. */
export function answerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const passed = Object.entries(headers).filter(([name, value]) => passedBack.test(name) && value !== undefined);
  return { ...(Object.fromEntries(passed) as Record<string, string | string[]>), 'cache-control': 'no-store' };
}

export interface ModelBody {
  model: string;
  isStream: boolean;
  /** What is sent to the provider. */
  bytes: Buffer;
}

const bodySchema = z.looseObject({
  model: z.string().min(1).max(200),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
});

/**
 * Reads the body of a request. A stream of chat completions is asked for its usage: otherwise nobody could know what it cost.
 * @returns `null` when it is no JSON object with the name of a model
 */
export function parseModelBody(bytes: Buffer, endpoint: Endpoint): ModelBody | null {
  const { success, data: body } = bodySchema.safeParse(parseJson(bytes.toString('utf8')));
  if (!success) return null;
  const { model } = body;
  const isStream = body.stream === true;
  const hasUsage = body.stream_options?.['include_usage'] === true;
  if (endpoint !== 'chat/completions' || !isStream || hasUsage) return { model, isStream, bytes };
  const asked = { ...body, stream_options: { ...body.stream_options, include_usage: true } };
  return { model, isStream, bytes: Buffer.from(JSON.stringify(asked)) };
}

/** An error as the provider itself would write it, so that every client shows the sentence. */
export function errorBody(endpoint: Endpoint | null, { type, message }: { type: string; message: string }): string {
  const error = { type, message };
  return JSON.stringify(
    endpoint === 'messages' ? { type: 'error', error } : { error: { ...error, param: null, code: type } },
  );
}
