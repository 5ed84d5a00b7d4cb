/** Answers of a pod that somebody else controls, as the bytes that it writes. */

export interface HostileAnswer {
  /** Listed in docs/security/threat-model.md. */
  name: string;
  answers: string[];
}

const statuses = ['200 OK', '302 Found', '404 Not Found', '500 Oops', '206 Partial Content', '299 Odd'];
const casings = [(name: string) => name, (name: string) => name.toUpperCase(), (name: string) => name.toLowerCase()];

const answerOf = (status: string, lines: string[], body = 'pod') =>
  `HTTP/1.1 ${status}\r\n${lines.map((line) => `${line}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Each line with each status, with its name in each case. */
const withLines = (lines: string[]): string[] =>
  lines.flatMap((line) => {
    const [name = '', ...rest] = line.split(':');
    return statuses.flatMap((status) => casings.map((cased) => answerOf(status, [`${cased(name)}:${rest.join(':')}`])));
  });

export const hostileAnswers: HostileAnswer[] = [
  {
    name: 'a pod sets a cookie for other hosts',
    answers: withLines([
      'Set-Cookie: evil=1; Domain=projects.test',
      'Set-Cookie: evil=1; domain=.projects.test; Path=/',
      'Set-Cookie: evil=1;DOMAIN = projects.test',
      'Set-Cookie: evil=1; Domain',
      'Set-Cookie: evil=1;\tDomain=product.test',
      'Set-Cookie: evil=1; Path=/; Domain=projects.test; Domain=test',
    ]),
  },
  {
    name: 'a pod sets a cookie of the product',
    answers: withLines([
      'Set-Cookie: opencode-session=evil',
      'Set-Cookie: opencode-workspace=evil; Path=/x',
      'Set-Cookie: __Host-opencode-session=evil; Path=/; Secure',
      'Set-Cookie: __host-OpenCode-Workspace=evil',
      'Set-Cookie: __Secure-opencode-session=evil',
      'Set-Cookie: \topencode-session =evil',
      'Set-Cookie: =opencode-session=evil',
      'Set-Cookie: opencode-session',
      'Set-Cookie2: opencode-session=evil',
    ]),
  },
  {
    name: 'a pod lets other origins read',
    answers: withLines([
      'Access-Control-Allow-Origin: *',
      'Access-Control-Allow-Credentials: true',
      'Access-Control-Allow-Private-Network: true',
      'Access-Control-Expose-Headers: *',
      'Timing-Allow-Origin: *',
      'Cross-Origin-Resource-Policy: cross-origin',
    ]),
  },
  {
    name: 'a pod changes how the browser treats the host',
    answers: withLines([
      'Strict-Transport-Security: max-age=1; includeSubDomains',
      'Clear-Site-Data: "*"',
      'Alt-Svc: h2="evil.example:443"',
      'Service-Worker-Allowed: /',
      'Public-Key-Pins: max-age=1',
      'NEL: {"report_to":"evil"}',
      'Report-To: {"group":"evil"}',
      'Reporting-Endpoints: evil="https://evil.example"',
      'Accept-CH: Sec-CH-UA-Full-Version',
    ]),
  },
  {
    name: 'a pod asks for a password, or leads elsewhere',
    answers: withLines([
      'WWW-Authenticate: Basic realm="sign in"',
      'Proxy-Authenticate: Basic',
      'Refresh: 0; url=http://evil.example',
    ]),
  },
  {
    name: 'a pod weakens frames, openers and content types',
    answers: withLines([
      'Content-Security-Policy: frame-ancestors *',
      'Cross-Origin-Opener-Policy: unsafe-none',
      'X-Content-Type-Options: none',
      'Origin-Agent-Cluster: ?0',
      'Referrer-Policy: unsafe-url',
    ]),
  },
  {
    name: 'a pod uses headers of the connection',
    answers: withLines([
      'Connection: set-cookie, content-security-policy',
      'Keep-Alive: timeout=100000',
      'Proxy-Connection: keep-alive',
      'Trailer: Set-Cookie',
      'Upgrade: h2c',
    ]),
  },
  {
    name: 'a pod frames its answer in two ways',
    answers: [
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\npod',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\npod',
      'HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\npod',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\npod',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\npod',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\u0000\r\npod\r\n0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npod\r\n0\r\nSet-Cookie: opencode-session=evil\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\npod',
      'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n3\r\npod\r\n0\r\n\r\n',
    ],
  },
  {
    name: 'a pod answers twice',
    answers: statuses.map(
      (status) => answerOf(status, []) + answerOf('200 OK', ['Set-Cookie: opencode-session=evil'], 'second'),
    ),
  },
  {
    name: 'a pod writes what is not HTTP',
    answers: [
      '\u0000'.repeat(100),
      'hello',
      'HTTP/1.1\r\n\r\n',
      'HTTP/9.9 200 OK\r\n\r\n',
      'HTTP/2.0 200 OK\r\n\r\n',
      'ICY 200 OK\r\n\r\npod',
      'HTTP/1.1 abc OK\r\n\r\n',
      'HTTP/1.1 200 OK\r\nbad header\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX: \u0000\r\n\r\n',
      'HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n',
      'HTTP/1.1 200 OK\nSet-Cookie: opencode-session=evil\n\nx',
      '',
    ],
  },
  {
    name: 'a pod sends a status that does not exist',
    answers: [
      '000 X',
      '001 X',
      '099 X',
      '199 X',
      '600 X',
      '999 X',
      '1000 X',
      '200 \u0001\u007f',
      '200 caf\u00e9',
      '200',
      '302',
    ].map((status) => answerOf(status, [])),
  },
  {
    name: 'a pod sends interim answers without end, or switches protocols unasked',
    answers: [
      'HTTP/1.1 100 Continue\r\n\r\n'.repeat(5_000),
      'HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n'.repeat(5_000),
      `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5)}${answerOf('200 OK', [])}`,
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSet-Cookie: opencode-session=evil\r\n\r\nbytes',
    ],
  },
  {
    name: 'a pod sends headers without end',
    answers: [
      `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(20_000)}`,
      `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(1_000_000)}`,
      `HTTP/1.1 200 OK\r\n${'Set-Cookie: a=b; Domain=projects.test\r\n'.repeat(300)}Content-Length: 3\r\n\r\npod`,
      `HTTP/1.1 200 ${'a'.repeat(1_000_000)}\r\n\r\n`,
    ],
  },
];
