/** Requests of an attacker, as the bytes that are sent: what a page of another origin can make a browser send, and what a program can write. */

export interface Scene {
  /** The victim's project, and the attacker's. */
  victim: { host: string; origin: string };
  attacker: { host: string; origin: string };
  /** Cookie headers. A browser adds the victim's to what a page of the attacker sends. */
  victimsCookie: string;
  attackersCookie: string;
  /** What the attacker knows besides: a token of their own, and the credential of their own pod. */
  attackersSecrets: string[];
}

export interface HostileRow {
  /** Listed in docs/security/threat-model.md. */
  name: string;
  requests(scene: Scene): string[];
}

const combine = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] =>
  as.flatMap((a) => bs.map((b): [A, B] => [a, b]));

/** A request with these header lines. */
function bytesOf(line: string, headers: (string | null)[], body = ''): string {
  return `${[line, ...headers.filter((header) => header !== null), 'Connection: close'].join('\r\n')}\r\n\r\n${body}`;
}

const paths = ['/', '/session', '/event', '/session/1/message', '/.opencode-gateway/state', '/.opencode-gateway/start'];

/** Origins that are not the victim's, and look alike. */
const foreignOrigins = ({ victim, attacker }: Scene): string[] => [
  attacker.origin,
  'http://evil.example',
  'null',
  'http://product.test',
  'http://projects.test',
  `http://x.${victim.host}`,
  `${victim.origin}.evil.example`,
  `${victim.origin}:8080`,
  victim.origin.replace('http:', 'https:'),
  victim.origin.replace('p-', 'P-'),
  `${victim.origin}/`,
  `${victim.origin} ${attacker.origin}`,
];

const pageRequest = (scene: Scene, line: string, headers: (string | null)[], body = '') =>
  bytesOf(line, [`Host: ${scene.victim.host}`, `Cookie: ${scene.victimsCookie}`, ...headers], body);

/** A request whose mode and destination the browser states, and which has no Origin. */
const withoutOrigin = (mode: string, destination: string) => (scene: Scene) =>
  combine(['same-site', 'cross-site'], paths).map(([site, path]) =>
    pageRequest(scene, `GET ${path} HTTP/1.1`, [
      `Sec-Fetch-Site: ${site}`,
      `Sec-Fetch-Mode: ${mode}`,
      `Sec-Fetch-Dest: ${destination}`,
    ]),
  );

const fromOrigins =
  (method: string, headers: string[], body = '') =>
  (scene: Scene) =>
    combine(foreignOrigins(scene), paths).map(([origin, path]) =>
      pageRequest(
        scene,
        `${method} ${path} HTTP/1.1`,
        [`Origin: ${origin}`, `Content-Length: ${body.length}`, ...headers],
        body,
      ),
    );

const handshake = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

export const hostilePages: HostileRow[] = [
  { name: 'a page reads with fetch or EventSource', requests: fromOrigins('GET', []) },
  { name: 'a page posts plain text', requests: fromOrigins('POST', ['Content-Type: text/plain'], '{"parts":[]}') },
  {
    name: 'a page posts a form',
    requests: fromOrigins(
      'POST',
      ['Content-Type: application/x-www-form-urlencoded', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document'],
      'a=b',
    ),
  },
  {
    name: 'a page asks for permission to send JSON',
    requests: fromOrigins('OPTIONS', ['Access-Control-Request-Method: PUT']),
  },
  {
    name: 'a page changes or deletes',
    requests: (scene) => ['PUT', 'PATCH', 'DELETE'].flatMap((method) => fromOrigins(method, [])(scene)),
  },
  { name: 'a page opens a WebSocket', requests: fromOrigins('GET', handshake) },
  {
    name: 'a page opens a WebSocket without an origin',
    requests: (scene) => paths.map((path) => pageRequest(scene, `GET ${path} HTTP/1.1`, handshake)),
  },
  {
    name: 'a page sends a change without an origin',
    requests: (scene) =>
      combine(['POST', 'PUT', 'DELETE'], paths).map(([method, path]) =>
        pageRequest(scene, `${method} ${path} HTTP/1.1`, ['Content-Length: 0']),
      ),
  },
  { name: 'a page shows the project in a frame', requests: withoutOrigin('navigate', 'iframe') },
  { name: 'a page embeds an object', requests: withoutOrigin('navigate', 'object') },
  { name: 'a page loads an image', requests: withoutOrigin('no-cors', 'image') },
  { name: 'a page loads a script', requests: withoutOrigin('no-cors', 'script') },
  { name: 'a page loads a style sheet', requests: withoutOrigin('no-cors', 'style') },
  {
    name: 'a page loads a worker or an audio file',
    requests: (scene) => ['audio', 'worker'].flatMap((kind) => withoutOrigin('no-cors', kind)(scene)),
  },
  {
    name: 'a page installs a service worker',
    requests: (scene) =>
      paths.map((path) =>
        pageRequest(scene, `GET ${path} HTTP/1.1`, [
          'Service-Worker: script',
          'Sec-Fetch-Site: same-origin',
          'Sec-Fetch-Mode: same-origin',
        ]),
      ),
  },
];

/** The attacker may enter their own project. Nothing of these may reach the victim's pod. */
const asAttacker = (scene: Scene, line: string, headers: (string | null)[], body = '') =>
  bytesOf(line, [`Cookie: ${scene.attackersCookie}`, `Origin: ${scene.attacker.origin}`, ...headers], body);

const smuggled = ({ victim }: Scene) => `GET /smuggled HTTP/1.1\r\nHost: ${victim.host}\r\n\r\n`;

export const hostilePrograms: HostileRow[] = [
  {
    name: 'the cookie of one project is sent to another',
    requests: (scene) => {
      const value = scene.attackersCookie.split('=')[1] ?? '';
      const cookies = [
        scene.attackersCookie,
        `opencode-workspace="${value}"`,
        `opencode-workspace=;${scene.attackersCookie}`,
        `__Host-${scene.attackersCookie}`,
        `OPENCODE-WORKSPACE=${value}`,
        `opencode-session=${value}`,
      ];
      return combine(cookies, paths).map(([cookie, path]) =>
        bytesOf(`GET ${path} HTTP/1.1`, [`Host: ${scene.victim.host}`, `Cookie: ${cookie}`]),
      );
    },
  },
  {
    name: 'another credential is sent as a token',
    requests: (scene) =>
      combine(scene.attackersSecrets, ['Bearer', 'bearer', 'Basic', 'Token']).flatMap(([secret, scheme]) =>
        paths.map((path) =>
          bytesOf(`GET ${path} HTTP/1.1`, [`Host: ${scene.victim.host}`, `Authorization: ${scheme} ${secret}`]),
        ),
      ),
  },
  {
    name: 'the host is written in other ways',
    requests: (scene) => {
      const { host } = scene.victim;
      const hosts = [
        host,
        host.toUpperCase(),
        `${host}.`,
        `${host}:80`,
        `${host}.:80`,
        `${host}:`,
        `user@${host}`,
        `${scene.attacker.host}@${host}`,
        `${scene.attacker.host}, ${host}`,
        `${scene.attacker.host} ${host}`,
        `http://${host}`,
        `[${host}]`,
      ];
      return combine(hosts, paths).map(([name, path]) => asAttacker(scene, `GET ${path} HTTP/1.1`, [`Host: ${name}`]));
    },
  },
  {
    name: 'there are two Host headers, or none',
    requests: (scene) => {
      const [own, others] = [`Host: ${scene.attacker.host}`, `Host: ${scene.victim.host}`];
      const lists = [
        [own, others],
        [others, own],
        [own, others.toLowerCase()],
        [others, own.toUpperCase()],
        [own, ' ', others],
        [],
      ];
      return combine(lists, paths).map(([hosts, path]) => asAttacker(scene, `GET ${path} HTTP/1.1`, hosts));
    },
  },
  {
    name: 'the target names another host',
    requests: (scene) => {
      const { host } = scene.victim;
      const targets = [
        `http://${host}/`,
        `HTTP://${host}/`,
        `https://${host}/`,
        `//${host}/`,
        `/\\${host}/`,
        `/\\/${host}/`,
        `${host}:80`,
        `@${host}/`,
        `*`,
        `?@${host}`,
      ];
      return combine(targets, ['GET', 'POST', 'OPTIONS', 'CONNECT']).map(([target, method]) =>
        asAttacker(scene, `${method} ${target} HTTP/1.1`, [`Host: ${scene.attacker.host}`, 'Content-Length: 0']),
      );
    },
  },
  {
    name: 'a proxy header names another host',
    requests: (scene) => {
      const { host } = scene.victim;
      const claims = [
        `X-Forwarded-Host: ${host}`,
        `Forwarded: host=${host}`,
        `X-Host: ${host}`,
        `X-Original-URL: http://${host}/`,
        `X-Rewrite-URL: http://${host}/`,
        `:authority: ${host}`,
      ];
      return combine(claims, paths).map(([claim, path]) =>
        asAttacker(scene, `GET ${path} HTTP/1.1`, [`Host: ${scene.attacker.host}`, claim]),
      );
    },
  },
  {
    name: 'a body has two lengths',
    requests: (scene) => {
      const inner = smuggled(scene);
      const frames = [
        ['Content-Length: 4', 'Transfer-Encoding: chunked'],
        ['Transfer-Encoding: chunked', 'Content-Length: 4'],
        ['Content-Length: 0', `Content-Length: ${inner.length}`],
        [`Content-Length: 0, ${inner.length}`],
        ['Content-Length: +0'],
        ['Content-Length: -1'],
        ['Content-Length: 0x10'],
        ['Transfer-Encoding: xchunked'],
        ['Transfer-Encoding: chunked, identity'],
        ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
        ['Transfer-Encoding : chunked'],
        ['Transfer-Encoding:\u000bchunked'],
        ['Content-Length: 0', ' folded: 1'],
      ];
      return combine(frames, ['POST', 'GET', 'DELETE', 'PUT']).map(([frame, method]) =>
        asAttacker(scene, `${method} / HTTP/1.1`, [`Host: ${scene.attacker.host}`, ...frame], `0\r\n\r\n${inner}`),
      );
    },
  },
  {
    name: 'a chunked body follows a method that has none',
    requests: (scene) =>
      ['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method) => {
        const inner = smuggled(scene);
        return asAttacker(
          scene,
          `${method} / HTTP/1.1`,
          [`Host: ${scene.attacker.host}`, 'Transfer-Encoding: chunked'],
          `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
        );
      }),
  },
  {
    name: 'the Connection header lists what must be kept or removed',
    requests: (scene) =>
      combine(
        [
          'cookie',
          'host',
          'authorization',
          'origin',
          'content-length',
          'close, cookie, x-forwarded-for',
          'upgrade, transfer-encoding',
        ],
        ['GET', 'POST'],
      ).map(([list, method]) =>
        bytesOf(`${method} / HTTP/1.1`, [
          `Host: ${scene.victim.host}`,
          `Cookie: ${scene.attackersCookie}`,
          `Connection: ${list}`,
          'Content-Length: 0',
        ]),
      ),
  },
  {
    name: 'a header contains control characters or line ends',
    requests: (scene) => {
      const injected = [
        `X: a\rHost: ${scene.victim.host}`,
        `X: a\nHost: ${scene.victim.host}`,
        'X: a\u0000b',
        'X\u0000: b',
        'X y: z',
        ': empty',
        `X: a\r\n\tHost: ${scene.victim.host}`,
        'Cookie: a\u0001=b',
      ];
      return combine(injected, paths).map(([line, path]) =>
        asAttacker(scene, `GET ${path} HTTP/1.1`, [`Host: ${scene.attacker.host}`, line]),
      );
    },
  },
  {
    name: 'the path contains encoded line ends, dots or another host',
    requests: (scene) => {
      const { host } = scene.victim;
      return [
        `/%0d%0aHost:%20${host}`,
        `/\u00ff`,
        `/..//${host}`,
        `/%2e%2e/%2e%2e/`,
        `/;@${host}`,
        '/.opencode-gateway/enter',
        '/.opencode-gateway/enter?ticket=x',
        '/.opencode-gateway/../enter',
        `/?host=${host}`,
        '/%',
        '/%00',
        '/\u0080',
      ].map((path) => asAttacker(scene, `GET ${path} HTTP/1.1`, [`Host: ${scene.attacker.host}`]));
    },
  },
  {
    name: 'another protocol or version is asked for',
    requests: (scene) => {
      const { host } = scene.victim;
      const upgrades = ['h2c', 'TLS/1.0', 'websocket, h2c', 'connect-udp', 'foo'].map((protocol) =>
        asAttacker(scene, 'GET / HTTP/1.1', [
          `Host: ${host}`,
          `Upgrade: ${protocol}`,
          'Connection: Upgrade, HTTP2-Settings',
          'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        ]),
      );
      const lines = [
        'GET / HTTP/1.0',
        'GET / HTTP/2.0',
        'GET /',
        'PRI * HTTP/2.0',
        'TRACE / HTTP/1.1',
        `CONNECT ${host}:80 HTTP/1.1`,
        'PROPFIND / HTTP/1.1',
        'get / HTTP/1.1',
        'GET  / HTTP/1.1',
        'POST / HTTP/1.1',
      ];
      return [...upgrades, ...lines.map((line) => asAttacker(scene, line, [`Host: ${host}`]))];
    },
  },
  {
    name: 'the headers are huge, or very many',
    requests: (scene) => [
      asAttacker(scene, 'GET / HTTP/1.1', [`Host: ${scene.victim.host}`, `X: ${'a'.repeat(100_000)}`]),
      asAttacker(scene, `GET /${'a'.repeat(100_000)} HTTP/1.1`, [`Host: ${scene.victim.host}`]),
      asAttacker(scene, 'GET / HTTP/1.1', [
        `Host: ${scene.victim.host}`,
        ...Array.from({ length: 5_000 }, (_, index) => `a${index}: b`),
      ]),
      asAttacker(scene, 'GET / HTTP/1.1', [
        `Host: ${scene.victim.host}`,
        `Cookie: ${'opencode-workspace=a; '.repeat(600)}`,
      ]),
    ],
  },
];
