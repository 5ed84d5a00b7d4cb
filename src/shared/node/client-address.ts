/** The address of a client, as far as it can be trusted. */

import { isIP } from 'node:net';

interface Arrival {
  /** The other end of the connection: the client itself, or the proxy in front of us. */
  peer: string | undefined;
  /** The header X-Forwarded-For, to which each proxy appends the address that it received the request from. */
  forwardedFor: string | undefined;
}

/**
 * The address of the client: one entry back for each trusted proxy. The client itself may have written the entries before
 * that. Used for WebSocket handshakes, which Fastify does not handle; the result equals Fastify's `request.ip`.
 */
export function clientAddress({ peer, forwardedFor }: Arrival, trustedProxies: number): string {
  const chain = [peer ?? '', ...(forwardedFor ?? '').split(',').toReversed()]
    .map((entry) => entry.trim())
    .filter((entry, index) => index === 0 || entry !== '');
  return chain[Math.min(trustedProxies, chain.length - 1)] ?? '';
}

/**
 * The key under which rate limits count an address: the IPv4 address, or the first 64 bits of an IPv6 address, because one
 * internet connection usually receives a whole /64.
 */
export function addressBlock(address: string): string {
  // Some proxies append the port, which differs for each connection.
  const bare = /^\[(.+)\](?::\d+)?$/.exec(address)?.[1] ?? /^(\d+(?:\.\d+){3}):\d+$/.exec(address)?.[1] ?? address;
  const [host = ''] = bare.split('%'); // a link-local address ends with the interface
  if (isIP(host) !== 6) return host.slice(0, 64);
  // URL normalises an IPv6 address: lower case, no leading zeros, only hexadecimal groups.
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
