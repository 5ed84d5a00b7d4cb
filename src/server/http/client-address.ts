/** Where a request comes from, as far as it can be believed. */

import { isIP } from 'node:net';

export interface Arrival {
  /** The other end of the line: the client itself, or the proxy next to us. */
  peer: string | undefined;
  /** The header X-Forwarded-For, to which each proxy adds the one that it was asked by. */
  forwardedFor: string | undefined;
}

/**
 * The address of the client: so many entries back as there are proxies to trust. What stands before that was written by
 * whoever sent the request. For what Fastify does not see, such as handshakes of sockets; it agrees with `request.ip`.
 */
export function clientAddress({ peer, forwardedFor }: Arrival, trustedProxies: number): string {
  const chain = [peer ?? '', ...(forwardedFor ?? '').split(',').toReversed()]
    .map((entry) => entry.trim())
    .filter((entry, index) => index === 0 || entry !== '');
  return chain[Math.min(trustedProxies, chain.length - 1)] ?? '';
}

/**
 * Under which name an address is counted: IPv4 by itself, IPv6 by its first 64 bits, for a single line is given that
 * many addresses to choose from.
 */
export function addressBlock(address: string): string {
  // Some proxies add the port, which is another one each time.
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? address;
  const [host = ''] = bare.split('%'); // a link-local address names the interface
  if (isIP(host) !== 6) return host.slice(0, 64);
  // URL writes every spelling of an IPv6 address in one way: lower case, no leading zeros, hexadecimal alone.
  const plain = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail = ''] = plain.split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]]; // two in, two out
  const groups = [...first, ...Array<string>(8 - first.length - last.length).fill('0'), ...last];
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(plain);
  if (mapped) {
    const bytes = mapped
      .slice(1)
      .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
    return bytes.join('.');
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
