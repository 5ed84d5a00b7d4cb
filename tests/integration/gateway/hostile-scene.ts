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

/** Each of the first with each of the second. */
export const combine = <A, B>(as: readonly A[], bs: readonly B[]): [A, B][] =>
  as.flatMap((a) => bs.map((b): [A, B] => [a, b]));

/** A request with these header lines. */
export function bytesOf(line: string, headers: (string | null)[], body = ''): string {
  return `${[line, ...headers.filter((header) => header !== null), 'Connection: close'].join('\r\n')}\r\n\r\n${body}`;
}

export const paths = [
  '/',
  '/session',
  '/event',
  '/session/1/message',
  '/.opencode-gateway/state',
  '/.opencode-gateway/start',
];
