/** Reads what a request contains: its body, the type of the body, and the form of answer that it accepts. */

import type { IncomingMessage } from 'node:http';

import { isJsonObject, type Json, type JsonObject } from './kube-object.ts';
import { statusError } from './status-error.ts';

/** The largest body that is read, as in the real API. */
const bodyLimitBytes = 3 * 1024 * 1024;

/** How deep a body may be nested: far deeper than any Kubernetes object, far less than what overflows the stack. */
const depthLimit = 200;

/**
 * Reads and parses a JSON body.
 *
 * @throws StatusError 413 when the body is too large, 400 when it is not valid JSON
 */
export async function readJsonBody(request: IncomingMessage): Promise<Json> {
  const text = await readBody(request);
  return parseJson(text);
}

/** The body of a create or a replace, which has to be JSON. */
export async function readWriteBody(request: IncomingMessage): Promise<Json> {
  if (!['application/json', ''].includes(contentTypeOf(request))) {
    throw statusError.unsupportedMediaType(['application/json']);
  }
  return await readJsonBody(request);
}

/** An optional object, such as DeleteOptions; empty when there is no body. */
export async function readOptionalObject(request: IncomingMessage): Promise<JsonObject> {
  const text = await readBody(request);
  if (text.trim() === '') return {};
  const body = parseJson(text);
  if (!isJsonObject(body)) throw statusError.badRequest('the body of the request must be a JSON object');
  return body;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bodyLimitBytes) throw statusError.tooLarge(bodyLimitBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    // A request without an encoding yields buffers, which its type does not say.
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > bodyLimitBytes) throw statusError.tooLarge(bodyLimitBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): Json {
  if (isTooDeep(text))
    throw statusError.badRequest(`the body of the request is nested deeper than ${depthLimit} levels`);
  try {
    const mayHavePrototypeKey = text.includes('__proto__') || text.includes('\\u');
    // JSON.parse returns JSON values only.
    return JSON.parse(text, mayHavePrototypeKey ? refusePrototypeKeys : undefined) as Json;
  } catch (error) {
    const cause = error instanceof Error ? error.message : 'unreadable';
    throw statusError.badRequest(
      `the object provided is unrecognized: couldn't get version/kind; json parse error: ${cause}`,
    );
  }
}

function refusePrototypeKeys(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new Error('a key named __proto__ is not accepted');
  return value;
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > depthLimit) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}

/** The media type of a body, without its parameters. */
export function contentTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * The form of answer that the client prefers: JSON, or the table that kubectl prints.
 *
 * @throws StatusError 406 when it accepts neither
 */
export function acceptedForm(request: IncomingMessage): 'json' | 'table' {
  const accept = request.headers.accept ?? '*/*';
  for (const entry of accept.split(',')) {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (type === 'application/json' && parameters.includes('as=table')) {
      if (parameters.includes('v=v1')) return 'table';
      continue;
    }
    if (parameters.some((parameter) => parameter.startsWith('as='))) continue;
    if (type === 'application/json' || type === 'application/*' || type === '*/*' || type === '') return 'json';
  }
  throw statusError.notAcceptable();
}
