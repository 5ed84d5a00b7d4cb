import * as fc from 'fast-check';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';

import { addressBlock, clientAddress } from './client-address.ts';

const forwarded = 'forged, 198.51.100.7, 203.0.113.9';

it.each([
  [0, '10.0.0.1'],
  [1, '203.0.113.9'],
  [2, '198.51.100.7'],
  [3, 'forged'],
  [9, 'forged'],
])('behind %i trusted proxies the client is %s', (trustedProxies, client) => {
  expect(clientAddress({ peer: '10.0.0.1', forwardedFor: forwarded }, trustedProxies)).toBe(client);
});

it('without the header the client is the other end of the connection', () => {
  expect(clientAddress({ peer: '10.0.0.1', forwardedFor: undefined }, 2)).toBe('10.0.0.1');
  expect(clientAddress({ peer: '10.0.0.1', forwardedFor: ' , ' }, 2)).toBe('10.0.0.1');
});

it('a handshake and a request of the same client have the same address', async () => {
  const entry = fc.constantFrom('192.0.2.1', '2001:db8::1', 'x', ' 192.0.2.2 ', '192.0.2.3:99');
  const chains = fc.sample(fc.tuple(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 0, max: 4 })), 60);
  for (const [entries, trustedProxies] of chains) {
    const app = fastify({ trustProxy: (_address, hop) => hop < trustedProxies });
    app.get('/', (request) => Promise.resolve(request.ip));
    const headers = entries.length === 0 ? {} : { 'x-forwarded-for': entries.join(',') };
    const answer = await app.inject({ url: '/', headers, remoteAddress: '10.0.0.1' });
    const ours = clientAddress({ peer: '10.0.0.1', forwardedFor: headers['x-forwarded-for'] }, trustedProxies);
    expect([entries, trustedProxies, ours]).toEqual([entries, trustedProxies, answer.body]);
    await app.close();
  }
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['192.0.2.1:4711', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['', ''],
])('rate limits count %s as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});

it('two addresses count together if and only if they are in the same /64, and no text makes it throw', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
  const write = (parts: number[]) => parts.map((part) => part.toString(16)).join(':');
  fc.assert(
    fc.property(groups, groups, (one, other) => {
      fc.pre(one[0] !== 0); // an address in ::/16 may be a mapped IPv4 address
      const sibling = [...one.slice(0, 4), ...other.slice(4)];
      expect(addressBlock(write(sibling))).toBe(addressBlock(write(one)));
      const stranger = [...one.slice(0, 3), (one[3] ?? 0) ^ 1, ...one.slice(4)];
      expect(addressBlock(write(stranger))).not.toBe(addressBlock(write(one)));
    }),
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      expect(addressBlock(text).length).toBeLessThan(65);
    }),
  );
});
