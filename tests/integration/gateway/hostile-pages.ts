/** What a page of another origin can make the browser of the victim send. The browser adds the victim's cookie. */

import { bytesOf, combine, paths, type HostileRow, type Scene } from './hostile-scene.ts';

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
