import { describe, expect, it } from 'vitest';

import { AppError } from '../../shared/contract/errors.ts';
import { expectsConnectionParams, upgradeRefusal } from './upgrade.ts';

const publicOrigin = 'https://app.test';
const options = { isStopping: false, publicOrigin, admit: () => null };
const request = { url: '/trpc', headers: { origin: publicOrigin } };

describe('a WebSocket handshake', () => {
  it('is accepted at /trpc from the own origin, and from programs that send no origin', () => {
    expect(upgradeRefusal(request, options)).toBeNull();
    expect(upgradeRefusal({ url: '/trpc?connectionParams=1', headers: {} }, options)).toBeNull();
  });

  it('is refused at any other path, and then not counted', () => {
    const admit = () => expect.unreachable('The handshake was counted.');
    expect(upgradeRefusal({ ...request, url: '/other' }, { ...options, admit })).toMatchObject({ status: 404 });
    expect(upgradeRefusal({ ...request, url: '//' }, { ...options, admit })).toMatchObject({ status: 404 });
  });

  it('is refused while the server is stopping', () => {
    expect(upgradeRefusal(request, { ...options, isStopping: true })).toMatchObject({ status: 503 });
  });

  it('is refused with the time to wait when there are too many', () => {
    const admit = () => new AppError('RATE_LIMITED', 'Too many.', { retryAfterSeconds: 7 });
    expect(upgradeRefusal(request, { ...options, admit })).toEqual({
      status: 429,
      message: 'Too many.',
      retryAfterSeconds: 7,
    });
  });

  it('is refused from another site', () => {
    const headers = { origin: 'https://evil.test' };
    expect(upgradeRefusal({ ...request, headers }, options)).toMatchObject({ status: 403 });
  });

  it('announces by its query that the first message names the caller', () => {
    expect(expectsConnectionParams('/trpc?connectionParams=1')).toBe(true);
    expect(expectsConnectionParams('/trpc')).toBe(false);
    expect(expectsConnectionParams(undefined)).toBe(false);
  });
});
