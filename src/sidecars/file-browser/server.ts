/**
 * The file browser: the files of one project over HTTP, as JSON, for callers with the secret of the project. `/healthz` needs no
 * secret. Errors are `{ error: <sentence> }`.
 *
 * | request | what it does |
 * |---|---|
 * | `GET /list?path=&cursor=`, `/stat?path=`, `/read?path=&offset=&limit=` | shows a page of a folder, an entry, a part of a file |
 * | `GET /search?query=&mode=name` or `text` | finds files |
 * | `GET /content?path=`, `/archive?path=` | streams a file, or a folder as `.tar.gz` |
 * | `PUT /content?path=&version=` | writes a text; without `version` the file must not exist |
 * | `PUT /upload?path=&upload=&offset=&total=&replace=`, `DELETE /upload?path=&upload=` | receives a part of a file; forgets it |
 * | `POST /folder?path=`, `/rename?from=&to=`, `/copy?from=&to=`, `DELETE /entry?path=` | changes the tree |
 * | `POST /changes` with `{ folders, files }` | streams what changes, one JSON object a line |
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

import {
  maxEditableBytes,
  maxReadBytes,
  maxUploadPartBytes,
  maxWatchedPaths,
} from '../../shared/contract/file-limits.ts';
import { refuse, sendJson, type IsAllowed } from '../access.ts';
import { codeOf, WorkspaceError } from './workspace-error.ts';
import type { Workspace } from './workspace.ts';

const heartbeatMs = 10_000;
/** Streams of changes at the same time: one for each open page. */
const streams = { max: 50, maxWaiting: 0 };
/** Requests that hold whole files in memory at the same time. The container has little. */
const largeRequests = { max: 4, maxWaiting: 100 };
/** Folders that are read at the same time: of 100,000 entries, each takes 30 MB. */
const listRequests = { max: 4, maxWaiting: 100 };
const maxWatchBytes = 2 * maxWatchedPaths * 4_096;

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  params: URLSearchParams;
  path: string;
}

/** Answers one request: with a value as JSON, or by itself, which it says with `undefined`. */
type Handler = (exchange: Exchange) => Promise<object | undefined>;

export function createFileBrowser({ workspace, isAllowed }: { workspace: Workspace; isAllowed: IsAllowed }): Server {
  const handlers = createHandlers(workspace);

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: params } = new URL(request.url ?? '/', 'http://file-browser');
    if (pathname === '/healthz') return sendJson(response, 200, { status: 'ok' });
    if (!isAllowed(request)) return refuse(response);
    const handler = handlers[`${request.method} ${pathname}`];
    if (handler === undefined) {
      const isKnown = Object.keys(handlers).some((key) => key.endsWith(` ${pathname}`));
      const status = isKnown ? 405 : 404;
      return sendJson(response, status, { error: 'The file browser does not know this request.' });
    }
    const body = await handler({ request, response, params, path: params.get('path') ?? '' });
    if (body !== undefined) sendJson(response, 200, body);
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (!request.complete) response.setHeader('connection', 'close'); // the rest of the body is never read
      if (response.headersSent || codeOf(error) === 'ECONNRESET') response.destroy(); // the caller has left
      else if (error instanceof WorkspaceError) sendJson(response, error.status, { error: error.message });
      else {
        process.stderr.write(`${String(error)}\n`);
        sendJson(response, 500, { error: 'The file browser failed. Its log has the cause.' });
      }
    });
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  return server;
}

function createHandlers(workspace: Workspace): Record<string, Handler> {
  const limitLarge = createLimit(largeRequests, 'Too many files are read at once. Try again in a moment.');
  const limitLists = createLimit(listRequests, 'Too many folders are read at once. Try again in a moment.');
  const limitStreams = createLimit(streams, 'Too many pages follow the files of this project. Close some.');

  return {
    'GET /list': ({ path, params }) => limitLists(() => workspace.list(path, params.get('cursor'))),
    'GET /stat': ({ path }) => workspace.stat(path),
    'GET /read': ({ path, params }) =>
      limitLarge(() =>
        workspace.read(path, {
          offset: wholeNumber(params, 'offset', { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER }),
          limit: wholeNumber(params, 'limit', { fallback: maxReadBytes, min: 1, max: maxReadBytes }),
        }),
      ),
    'GET /search': ({ params }) => {
      const query = params.get('query') ?? '';
      if (query === '') throw new WorkspaceError(400, 'Say what to search for.');
      return limitLarge(() => workspace.search(query, params.get('mode') === 'text' ? 'text' : 'name'));
    },
    'GET /content': ({ path, response }) =>
      workspace.download(path, (size, stream) => sendBytes(response, size, stream)),
    'GET /archive': ({ path, response }) => sendArchive(workspace, path, response),
    'PUT /content': ({ path, params, request }) =>
      limitLarge(async () => workspace.write(path, await readBody(request, maxEditableBytes), params.get('version'))),
    'PUT /upload': ({ path, params, request }) =>
      limitLarge(async () => {
        const whole = { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: null };
        const part = {
          upload: params.get('upload') ?? '',
          offset: wholeNumber(params, 'offset', whole),
          total: wholeNumber(params, 'total', whole),
          replace: params.get('replace') === 'true',
        };
        const isComplete = await workspace.upload(path, part, await readBody(request, maxUploadPartBytes));
        return { isComplete };
      }),
    'DELETE /upload': async ({ path, params }) => {
      await workspace.cancelUpload(path, params.get('upload') ?? '');
      return {};
    },
    'POST /folder': ({ path }) => workspace.makeFolder(path),
    'POST /rename': ({ params }) => workspace.rename(...both(params)),
    'POST /copy': ({ params }) => workspace.copy(...both(params)),
    'DELETE /entry': async ({ path }) => {
      await workspace.delete(path);
      return {};
    },
    'POST /changes': ({ request, response }) => limitStreams(() => sendChanges(workspace, request, response)),
  };
}

const both = (params: URLSearchParams): [string, string] => [params.get('from') ?? '', params.get('to') ?? ''];

/** Runs `max` tasks at the same time. Up to `maxWaiting` others wait for their turn, and the rest is refused. */
function createLimit({ max, maxWaiting }: { max: number; maxWaiting: number }, message: string) {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (running >= max) {
      if (waiting.length >= maxWaiting) throw new WorkspaceError(429, message);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    } else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

const binaryHeaders = {
  'content-type': 'application/octet-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

async function sendBytes(response: ServerResponse, size: number, stream: NodeJS.ReadableStream): Promise<undefined> {
  response.writeHead(200, { ...binaryHeaders, 'content-length': String(size) });
  if (size === 0) {
    response.end();
    return;
  }
  await pipeline(stream, response).catch(() => response.destroy()); // the caller left, or the file became shorter
}

async function sendArchive(workspace: Workspace, path: string, response: ServerResponse): Promise<undefined> {
  const { stream, done, cancel } = await workspace.archive(path);
  response.writeHead(200, { ...binaryHeaders, 'content-type': 'application/gzip' });
  response.once('close', cancel);
  stream.pipe(response, { end: false });
  // A broken connection says that the archive is not complete.
  if (await done) response.end();
  else response.destroy();
}

async function sendChanges(
  workspace: Workspace,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<undefined> {
  const watched = watchedOf((await readBody(request, maxWatchBytes)).toString('utf8'));
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  for await (const changes of workspace.changes(watched, { signal: closed.signal, heartbeatMs })) {
    response.write(`${JSON.stringify(changes)}\n`);
  }
}

/** @throws WorkspaceError */
function watchedOf(text: string): { folders: string[]; files: string[] } {
  const refused = new WorkspaceError(400, `Send { folders, files } with at most ${maxWatchedPaths} paths each.`);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw refused;
  }
  const pathsOf = (name: string): string[] => {
    const list = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : null;
    if (!Array.isArray(list) || list.length > maxWatchedPaths) throw refused;
    return list.map((path: unknown) => {
      if (typeof path !== 'string') throw refused;
      return path;
    });
  };
  return { folders: pathsOf('folders'), files: pathsOf('files') };
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBytes) throw new WorkspaceError(413, `The content is too large: at most ${maxBytes} bytes.`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** @throws WorkspaceError */
function wholeNumber(
  params: URLSearchParams,
  name: string,
  { fallback, min, max }: { fallback: number | null; min: number; max: number },
): number {
  const text = params.get(name);
  if (text === null && fallback !== null) return fallback;
  const number = Number(text);
  if (text === null || !/^\d+$/.test(text) || number < min || number > max) {
    throw new WorkspaceError(400, `${name} must be a whole number from ${min} to ${max}.`);
  }
  return number;
}
