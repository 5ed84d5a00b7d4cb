/**
 * Sends the files of OpenCode's user interface in a better way than OpenCode, which sends 2.7 MB of scripts as they are, at
 * each visit: compressed, and with the permission to keep them.
 */

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';

/** Types of the files by extension. Fonts and images are compressed already. */
const typesByExtension: Record<string, RegExp> = {
  js: /^(?:text|application)\/(?:x-)?javascript/,
  mjs: /^(?:text|application)\/(?:x-)?javascript/,
  css: /^text\/css/,
  html: /^text\/html/,
  svg: /^image\/svg\+xml/,
  json: /^application\/json/,
  webmanifest: /^application\/(?:manifest\+)?json/,
};

interface Exchange {
  method: string | undefined;
  url: string | undefined;
  acceptEncoding: string | undefined;
  status: number | undefined;
  headers: IncomingHttpHeaders;
}

/** Whether the answer is a file that compression makes smaller. Answers of the API and events never are. */
export function isCompressible({ method, url, status, headers }: Omit<Exchange, 'acceptEncoding'>): boolean {
  if (method !== 'GET' || status !== 200 || headers['content-encoding'] !== undefined) return false;
  if (/\bno-transform\b/.test(headers['cache-control'] ?? '')) return false;
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/html')) return true; // pages have no extension
  const extension = /\.(\w+)$/.exec((url ?? '').split('?')[0] ?? '')?.[1] ?? '';
  return typesByExtension[extension.toLowerCase()]?.test(type) ?? false;
}

/** The hash of the content that the build of the user interface appends to a name, such as `index-jmcwmLQ6.js`. */
const hashedFile = /^\/assets\/[^?]*-[\w-]{8}\.\w+(?:\?|$)/;

/** Whether a browser may keep the answer: the name changes with the content, and OpenCode does not forbid it. */
function isImmutable({ method, url, status, headers }: Exchange): boolean {
  if (method !== 'GET' || status !== 200 || headers['cache-control'] !== undefined) return false;
  // An unknown path is answered with the page of the user interface.
  return hashedFile.test(url ?? '') && !(headers['content-type'] ?? '').startsWith('text/html');
}

/** Whether the reader accepts gzip: named, or by `*`, and not with the weight 0. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const weights = new Map(
    (acceptEncoding ?? '').split(',').map((entry) => {
      const [coding = '', ...parameters] = entry.trim().toLowerCase().split(';');
      const weight = /^\s*q=([\d.]+)\s*$/.exec(parameters.join(';'))?.[1];
      return [coding.trim(), weight === undefined ? 1 : Number(weight)];
    }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

/** Sends the answer of OpenCode, compressed and kept where that helps. `passed` are the headers that are passed on. */
export function sendAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  { exchange, headers: passed }: { exchange: Exchange; headers: IncomingHttpHeaders },
): void {
  const headers = isImmutable(exchange)
    ? { ...passed, 'cache-control': 'private, max-age=31536000, immutable' }
    : passed;
  const status = answer.statusCode ?? 502;
  if (!isCompressible(exchange)) {
    response.writeHead(status, headers);
    answer.on('error', () => response.destroy()).pipe(response);
    return;
  }
  const vary = [headers.vary, 'accept-encoding'].filter((field) => field !== undefined).join(', ');
  if (!acceptsGzip(exchange.acceptEncoding)) {
    response.writeHead(status, { ...headers, vary });
    answer.on('error', () => response.destroy()).pipe(response);
    return;
  }
  const { 'content-length': _length, 'accept-ranges': _ranges, etag, ...kept } = headers;
  // The compressed bytes differ, so a strong tag would be wrong.
  const tag = etag === undefined ? {} : { etag: etag.startsWith('W/') ? etag : `W/${etag}` };
  response.writeHead(status, { ...kept, ...tag, vary, 'content-encoding': 'gzip' });
  pipeline(answer, createGzip(), response, () => undefined); // it ends all three when one fails
}
