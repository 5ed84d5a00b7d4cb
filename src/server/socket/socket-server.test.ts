import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, expect, it } from 'vitest';

import { openSocket } from '../../../tests/support/raw-socket.ts';
import { systemClock } from '../../shared/clock.ts';
import { createLog } from '../../shared/node/log.ts';
import type { Credential, Identity } from '../auth/identity.ts';
import { createRateLimits } from '../http/rate-limit.ts';
import type { Services } from '../services.ts';
import { createSocketServer } from './socket-server.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A server that identifies every caller with the promise of the test. */
async function startSocketServer(identity: Promise<Identity>) {
  const sockets = createSocketServer({
    identify: { fromHeaders: () => identity, fromToken: () => identity },
    services: {} as Services, // the test calls no procedure
    publicOrigin: () => 'http://localhost',
    rateLimits: createRateLimits({ perMinute: 1_000, clock: systemClock }),
    trustedProxies: 0,
    maxSocketsPerUser: 10,
    clock: systemClock,
    log: createLog({ name: 'test', level: 'silent' }),
  });
  const http = createServer();
  sockets.attach(http);
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  cleanUps.push(async () => {
    await sockets.stop(0);
    http.close();
  });
  return { sockets, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` }; // it listens on TCP
}

it('a session that is revoked while its socket is identified closes that socket with 4401, and no other socket', async () => {
  const person = { id: 'anna', name: 'Anna', email: null, picture: null };
  const credential = (id: string): Credential => ({ kind: 'session', id, expiresAt: null });
  const known = Promise.withResolvers<Identity>();
  const { sockets, url } = await startSocketServer(known.promise);
  const socket = await openSocket(url, {});
  sockets.closeCredential(credential('another'));
  sockets.closeCredential({ kind: 'token', id: 'revoked' });
  sockets.closeCredential(credential('revoked'));
  // The row was read before the revocation, and the identity arrives after the sockets of the session were closed.
  known.resolve({ user: person, credential: credential('revoked'), refusal: null });
  expect(await socket.closed).toBe(4401);

  const other = await startSocketServer(
    Promise.resolve({ user: person, credential: credential('live'), refusal: null }),
  );
  other.sockets.closeCredential(credential('another'));
  other.sockets.closeCredential({ kind: 'token', id: 'live' });
  const open = await openSocket(other.url, {});
  await expect.poll(() => other.sockets.openCredentials()).toEqual([credential('live')]);
  expect(open.ws.readyState).toBe(open.ws.OPEN);
  open.close();
});
