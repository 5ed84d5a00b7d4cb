/** A file browser of its own folder, in this process. This file does not depend on vitest. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createGate } from '../../src/sidecars/access.ts';
import { createFileBrowser } from '../../src/sidecars/file-browser/server.ts';
import { createWorkspace } from '../../src/sidecars/file-browser/workspace.ts';

export interface TestFileBrowser {
  url: string;
  token: string;
  /** The folder of the project. Beside it lies the folder `outside` with the file `secret`. */
  root: string;
  outside: string;
  /** What could not be removed in the background. */
  errors: unknown[];
  call(
    request: string,
    params?: Record<string, string>,
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
  stream(request: string, options?: { body?: string; signal?: AbortSignal }): Promise<Response>;
  close(): void;
}

/** @param options.port 0 means any free port */
export async function startFileBrowser(
  options: { port?: number; host?: string; token?: string } = {},
): Promise<TestFileBrowser> {
  const { port = 0, host = '127.0.0.1', token = 'a-secret-of-this-project' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'files-'));
  const [root, outside] = [join(folder, 'project'), join(folder, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'not yours');
  const errors: unknown[] = [];
  const workspace = await createWorkspace(root, (error) => errors.push(error));
  const server = createFileBrowser({ workspace, isAllowed: createGate(token) });
  await new Promise<void>((resolve) => {
    server.listen(port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}`; // it listens on TCP
  const headers = { authorization: `Bearer ${token}` };
  return {
    url,
    token,
    root,
    outside,
    errors,
    async call(request, params = {}, body) {
      const [method = 'GET', path = '/'] = request.split(' ');
      const target = `${url}${path}?${new URLSearchParams(params).toString()}`;
      const response = await fetch(target, { method, headers, ...(body === undefined ? {} : { body }) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    stream: (request, init = {}) => {
      const [method = 'GET', path = '/'] = request.split(' ');
      return fetch(`${url}${path}`, { method, headers, ...init });
    },
    close() {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
