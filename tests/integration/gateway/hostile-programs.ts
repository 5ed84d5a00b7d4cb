/** What an attacker with a project of their own can write to the gateway. */

import { bytesOf, combine, paths, type HostileRow, type Scene } from './hostile-scene.ts';

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
