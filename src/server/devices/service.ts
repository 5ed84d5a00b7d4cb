/**
 * Computers that log in without a browser of their own (RFC 8628, within the product). Anybody may start and poll a login; only a person
 * in a browser decides about it, by the short code that the computer shows. The token exists from the moment in which the computer takes it.
 */

import { randomBytes, randomInt } from 'node:crypto';

import type { Clock } from '../../shared/clock.ts';
import { formatUserCode, readUserCode, userCodeLetters } from '../../shared/contract/device-login.ts';
import { AppError } from '../../shared/contract/errors.ts';
import { addressBlock } from '../../shared/node/client-address.ts';
import { insertAccessToken } from '../../shared/node/db/access-tokens-repository.ts';
import { appendAuditEntry } from '../../shared/node/db/audit-repository.ts';
import type { Database } from '../../shared/node/db/database.ts';
import {
  decideDeviceLogin,
  deleteDeviceLogin,
  findWaitingDevice,
  insertDeviceLogin,
  recordPoll,
  takeConfirmedLogin,
} from '../../shared/node/db/device-logins-repository.ts';
import { admit, createRateLimiter } from '../../shared/node/rate-limiter.ts';
import { deviceLoginsPerMinute, maxRateLimitKeys, userCodesPerMinute } from '../limits.ts';
import type { DeviceLoginService, DeviceService, SessionCaller } from '../services.ts';

const lifetimeSeconds = 10 * 60;
const intervalSeconds = 5;
const tokenLifetimeMs = 90 * 24 * 60 * 60 * 1_000;
/** Another computer has the same code with a probability of one to millions. */
const maxAttempts = 5;

interface Deps {
  db: Database;
  publicOrigin: () => string;
  /** All servers share it. */
  clock: Clock;
  randomUserCode?: () => string;
}

/** What a computer calls, which nobody has signed in on. */
export function createDeviceLoginService({
  db,
  publicOrigin,
  clock,
  randomUserCode = newUserCode,
}: Deps): DeviceLoginService {
  const starts = createRateLimiter({ perMinute: deviceLoginsPerMinute, maxKeys: maxRateLimitKeys, clock });

  return {
    async start({ address, name }) {
      admit(starts.take(addressBlock(address)), 'logins of computers from your address');
      const deviceCode = randomBytes(32).toString('base64url');
      const createdAt = new Date(clock.now());
      const expiresAt = new Date(clock.now() + lifetimeSeconds * 1_000);
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const userCode = randomUserCode();
        const login = { deviceCode, userCode, name, address, intervalSeconds, createdAt, expiresAt };
        if (!(await insertDeviceLogin(db, login))) continue;
        const verificationUri = `${publicOrigin()}/device`;
        const shown = formatUserCode(userCode);
        const verificationUriComplete = `${verificationUri}?code=${shown}`;
        const codes = { deviceCode, userCode: shown, verificationUri, verificationUriComplete };
        return { ...codes, expiresIn: lifetimeSeconds, interval: intervalSeconds };
      }
      throw new AppError('UNAVAILABLE', 'No code is free. Try again in a minute.', { retryAfterSeconds: 60 });
    },

    async poll({ deviceCode, requestId }) {
      const now = new Date(clock.now());
      const taken = await db.transaction(async (transaction) => {
        const login = await takeConfirmedLogin(transaction, { deviceCode, now });
        if (login === null) return null;
        const expiresAt = new Date(now.getTime() + tokenLifetimeMs).toISOString();
        const { userId, name } = login;
        const token = await insertAccessToken(transaction, { userId, name: `opm on ${name}`, expiresAt });
        const entry = { actorId: userId, via: 'session', action: 'tokens.create', outcome: 'done', requestId } as const;
        await appendAuditEntry(transaction, { ...entry, details: { id: token.id, computer: name } });
        return token;
      });
      if (taken?.expiresAt) return { status: 'complete', token: taken.token, expiresAt: taken.expiresAt };
      const polled = await recordPoll(db, { deviceCode, now, slowerBySeconds: intervalSeconds });
      if (polled === null) return { status: 'expired_token' };
      if (polled.state === 'refused') {
        await deleteDeviceLogin(db, deviceCode);
        return { status: 'access_denied' };
      }
      // It may have been confirmed a moment ago. The next poll takes it.
      return { status: polled.isTooEarly ? 'slow_down' : 'authorization_pending', interval: polled.intervalSeconds };
    },
  };
}

/** What the person calls who decides. A token may not: the decision needs a person who has read the page. */
export function createDeviceService({ db, clock }: Pick<Deps, 'db' | 'clock'>): DeviceService {
  const tries = createRateLimiter({ perMinute: userCodesPerMinute, maxKeys: maxRateLimitKeys, clock });

  function admitCode(caller: SessionCaller, text: string): { userCode: string; now: Date } {
    if (caller.credential?.kind !== 'session') {
      throw new AppError('FORBIDDEN', 'Only a person in a browser can log a computer in. Open the page /device there.');
    }
    admit(tries.take(caller.user.id), 'codes in your name');
    const userCode = readUserCode(text);
    if (userCode === null) throw noSuchCode();
    return { userCode, now: new Date(clock.now()) };
  }

  return {
    async find(caller, text) {
      const code = admitCode(caller, text);
      const device = await findWaitingDevice(db, code);
      if (device === null) throw noSuchCode();
      const { name, address, createdAt } = device;
      return { userCode: formatUserCode(code.userCode), name, address, startedAt: createdAt.toISOString() };
    },
    async confirm(caller, text) {
      const code = admitCode(caller, text);
      const isDecided = await decideDeviceLogin(db, { ...code, state: 'confirmed', userId: caller.user.id });
      if (!isDecided) throw noSuchCode();
      return {};
    },
    async refuse(caller, text) {
      const code = admitCode(caller, text);
      if (!(await decideDeviceLogin(db, { ...code, state: 'refused' }))) throw noSuchCode();
      return {};
    },
  };
}

function newUserCode(): string {
  return Array.from({ length: 8 }, () => userCodeLetters[randomInt(userCodeLetters.length)]).join('');
}

function noSuchCode(): AppError {
  const message = 'No computer waits with this code. It may be mistyped, used or older than ten minutes.';
  return new AppError('NOT_FOUND', message, { fields: { userCode: message } });
}
