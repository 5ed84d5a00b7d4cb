/** Generates bytes that are a valid HTTP/1.1 request, a nearly valid one, or none. */

import fc from 'fast-check';

import { anyText } from './hostile-text.ts';

const methods = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('GET', 'POST') },
  fc.constantFrom('PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'PRI'),
  fc.constantFrom('get', '', 'G\u0000T', 'GET GET', 'X'.repeat(300), '\u00ff', '{}'),
);

const targets = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('/trpc/auth.me', '/trpc/tokens.create', '/trpc', '/livez', '/') },
  fc.constantFrom(
    '/trpc/%2e%2e/livez',
    '/..%2f..%2f..%2fetc/passwd',
    '/assets/..%5c..%5cetc/passwd',
    '/../../../../etc/passwd',
    '/%00',
    '/%ff%fe',
    '/%C0%AF%C0%AF',
    '/%',
    '/trpc/auth.me%',
    '/trpc/%E0%A4%A',
    '/trpc/auth.me?batch=1&input=%7B',
    '/trpc/auth.me?input=%00&input=%00',
    '/trpc/auth.me,__proto__,constructor?batch=1',
    `/trpc/${'auth.me,'.repeat(600)}auth.me?batch=1`,
    `/${'a'.repeat(9_000)}`,
    `/${'%41/'.repeat(2_000)}`,
    `/trpc/auth.me?${'a=1&'.repeat(2_000)}`,
    '/?__proto__[x]=1&constructor[prototype][x]=1',
    '//evil.example/',
    'http://evil.example/trpc/auth.me',
    'http://[::1/',
    '*',
    'evil.example:443',
    '/\\evil.example',
    '/auth/callback?state=..%2f&code=%00',
    '/auth/callback?state=a&state=b&code[]=1',
    '/auth/logout?x=%0d%0aSet-Cookie:a=b',
    '/trpc/auth.me#fragment',
    '/tr pc',
    '/\u0001',
    '',
  ),
  anyText({ maxLength: 30 }).map((text) => `/${text}`),
);

const headers = fc.constantFrom(
  'Host: localhost',
  'Host: evil.example',
  'Host: a b[',
  'Host:',
  'Content-Length: 5',
  'Content-Length: 50',
  'Content-Length: -1',
  'Content-Length: +5',
  'Content-Length: 5, 6',
  'Content-Length: 0x10',
  'Content-Length: 99999999999999999999999',
  'Content-Length: 5\r\nContent-Length: 6',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Content-Type: application/json',
  'Content-Type: text/plain',
  'Content-Type: application/json; charset=utf-16\u00ff',
  'Content-Type: multipart/form-data; boundary=',
  'Content-Encoding: gzip',
  'Authorization: Bearer ',
  'Authorization: Bearer ocp_\u00e9',
  'Authorization: Basic Og==',
  `Authorization: Bearer ${'x'.repeat(7_000)}`,
  'Cookie: opencode-session=a.b.c; __proto__=1; =; ;;',
  `Cookie: ${'a=b; '.repeat(1_500)}`,
  'X-Folded: a\r\n b',
  'X-Null: a\u0000b',
  'X-Bare: a\rb',
  'X-Line: a\nGET /smuggled HTTP/1.1',
  'no colon here',
  ': no name',
  ' leading: space',
  'X-\u00e9: a',
  '__proto__: x',
  `X-Large: ${'x'.repeat(17_000)}`,
  Array.from({ length: 400 }, (_, index) => `X-${index}: a`).join('\r\n'),
  'Expect: 100-continue',
  'Expect: a miracle',
  'Connection: keep-alive, close, upgrade',
  'Connection: Upgrade\r\nUpgrade: websocket',
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short',
  'Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA',
  'Origin: https://evil.example',
  'Origin: null',
  'X-Forwarded-For: <script>, ::, 999.1.1.1',
  'X-Forwarded-Host: evil.example',
  'X-HTTP-Method-Override: DELETE',
  'Accept-Encoding: gzip;q=1e400',
  'Range: bytes=0-0,1-1,2-2',
  'trpc-accept: application/jsonl',
);

const bodies = fc.oneof(
  fc.constantFrom(
    '',
    '{}',
    '{"name',
    '0\r\n\r\n',
    '5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
    'FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n',
    '-1\r\n{}\r\n',
    'zz\r\n',
    '2;ext="\r\n{}\r\n0\r\nTrailer: a\r\n\r\n',
    '2\n{}\n0\n\n',
    '0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    '\u00ff\u00fe{\u0000}',
  ),
  fc.constant(`{"name":"${'x'.repeat(70_000)}"}`),
  anyText(),
);

/** One request, valid or not. */
export const hostileRequest: fc.Arbitrary<Buffer> = fc
  .record({
    method: methods,
    target: targets,
    version: fc.oneof(
      { weight: 6, arbitrary: fc.constant('HTTP/1.1') },
      fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP/9', '', 'HTTP/1.1 x', 'http/1.1'),
    ),
    lines: fc.array(headers, { maxLength: 5 }),
    body: bodies,
    end: fc.oneof({ weight: 8, arbitrary: fc.constant('\r\n\r\n') }, fc.constantFrom('\n\n', '\r\n', '', '\r\r\n\n')),
    noise: fc.oneof({ weight: 12, arbitrary: fc.constant(null) }, fc.uint8Array({ minLength: 1, maxLength: 200 })),
  })
  .map(({ method, target, version, lines, body, end, noise }) =>
    noise
      ? Buffer.from(noise)
      : Buffer.from(
          `${[`${method} ${target} ${version}`, 'Host: localhost', ...lines].join('\r\n')}${end}${body}`,
          'latin1',
        ),
  );

/** If a proxy in front of us saw one request and we saw two, the sender could get the answer to another person's request. */
export const smuggling: Record<string, string> = {
  'a length and chunks': 'Content-Length: 6\r\nTransfer-Encoding: chunked',
  'chunks and a length': 'Transfer-Encoding: chunked\r\nContent-Length: 6',
  'two lengths': 'Content-Length: 5\r\nContent-Length: 6',
  'two lengths in one line': 'Content-Length: 5, 6',
  'chunks that are none': 'Transfer-Encoding: xchunked',
  'chunks that are not the last': 'Transfer-Encoding: chunked, identity',
  'a space before the colon': 'Transfer-Encoding : chunked',
  'a folded line': 'Transfer-Encoding:\r\n chunked\r\nContent-Length: 6',
  'a length with a sign': 'Content-Length: +6',
  'a lone line feed': 'X: a\nTransfer-Encoding: chunked\r\nContent-Length: 6',
  'a control character': 'Transfer-Encoding: \u000bchunked',
};
