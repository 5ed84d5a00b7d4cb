/** Requests that two programs could understand differently. The gateway refuses them before it looks who sent them. */

import type { IncomingMessage } from 'node:http';

export interface RequestProblem {
  status: 400 | 403 | 405 | 411 | 413 | 426;
  message: string;
}

type Received = Pick<IncomingMessage, 'method' | 'url' | 'headers' | 'rawHeaders'>;

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Node sends the body of these without a frame unless its length is known. */
const withoutChunks = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS']);

/** @returns `null` when the request may be handled */
export function requestProblem(request: Received, { maxBodyBytes }: { maxBodyBytes: number }): RequestProblem | null {
  const { method = '', url = '', headers, rawHeaders } = request;
  if (!methods.has(method)) return { status: 405, message: `The method ${method} is not supported.` };
  // RFC 9112, section 3.2: another host in the target would take precedence over the Host header.
  if (!url.startsWith('/')) return { status: 400, message: 'The request target must be a path.' };
  if (URL.parse(pathOf(url), 'http://localhost') === null) return { status: 400, message: 'The path cannot be read.' };
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length !== 1) return { status: 400, message: 'The request must have one Host header.' };
  if (headers['transfer-encoding'] !== undefined && withoutChunks.has(method)) {
    return { status: 411, message: `The body of a ${method} request needs a Content-Length.` };
  }
  if (Number(headers['content-length'] ?? 0) > maxBodyBytes) {
    return { status: 413, message: tooLarge(maxBodyBytes) };
  }
  // A service worker of a hostile page would stay in the browser and see every later request, tickets included.
  if (headers['service-worker'] !== undefined) {
    return { status: 403, message: 'Projects cannot install service workers.' };
  }
  return null;
}

/** As {@link requestProblem}, for a request that asks for another protocol. */
export function upgradeProblem(request: Received): RequestProblem | null {
  const problem = requestProblem(request, { maxBodyBytes: 0 });
  if (problem) return problem;
  const isWebSocket = request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket';
  return isWebSocket ? null : { status: 426, message: 'Only WebSockets can be opened here.' };
}

/** The path and query of a target. Browsers and URL parsers read "//host" and "/\host" as another host. */
export function pathOf(url: string): string {
  return url.replace(/^[/\\]+/, '/');
}

export function tooLarge(maxBodyBytes: number): string {
  return `The request is too large: at most ${Math.floor(maxBodyBytes / 1_048_576)} MiB are passed on.`;
}
