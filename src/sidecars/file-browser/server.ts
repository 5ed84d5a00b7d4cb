/**
 * The file browser: `GET /list?path=`, `/stat?path=` and `/read?path=&offset=&limit=` below the workspace, as JSON, for callers
 * with the secret of the project. `/healthz` needs no secret. It only reads.
 */

import { createServer, type Server } from 'node:http';

import { refuse, sendJson, type IsAllowed } from '../access.ts';
import { maxBytes, WorkspaceError, type Workspace } from './workspace.ts';

export function createFileBrowser({ workspace, isAllowed }: { workspace: Workspace; isAllowed: IsAllowed }): Server {
  const server = createServer((request, response) => {
    void respond();

    async function respond(): Promise<void> {
      try {
        const result = await answer(request.url ?? '/');
        if (result === null) refuse(response);
        else sendJson(response, result.status, result.body);
      } catch (error) {
        if (error instanceof WorkspaceError) {
          sendJson(response, error.status, { error: error.message });
          return;
        }
        process.stderr.write(`${String(error)}\n`);
        sendJson(response, 500, { error: 'The file browser failed. Its log has the cause.' });
      }
    }

    /** `null` for a caller without the secret. */
    async function answer(url: string): Promise<{ status: number; body: object } | null> {
      const { pathname, searchParams } = new URL(url, 'http://file-browser');
      if (pathname === '/healthz') return { status: 200, body: { status: 'ok' } };
      if (!isAllowed(request)) return null;
      if (request.method !== 'GET') return { status: 405, body: { error: 'Only GET is supported.' } };
      const path = searchParams.get('path') ?? '/';
      switch (pathname) {
        case '/list':
          return { status: 200, body: await workspace.list(path) };
        case '/stat':
          return { status: 200, body: await workspace.stat(path) };
        case '/read': {
          const part = {
            offset: wholeNumber(searchParams, 'offset', { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER }),
            limit: wholeNumber(searchParams, 'limit', { fallback: maxBytes, min: 1, max: maxBytes }),
          };
          return { status: 200, body: await workspace.read(path, part) };
        }
        default:
          return { status: 404, body: { error: 'Use /list, /stat or /read.' } };
      }
    }
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  return server;
}

/** @throws WorkspaceError */
function wholeNumber(
  params: URLSearchParams,
  name: string,
  { fallback, min, max }: { fallback: number; min: number; max: number },
): number {
  const text = params.get(name);
  if (text === null) return fallback;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max) {
    throw new WorkspaceError(400, `${name} must be a whole number from ${min} to ${max}.`);
  }
  return number;
}
