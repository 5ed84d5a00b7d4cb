import { describe, expect, it } from 'vitest';

import { AppError } from '../../shared/contract/errors.ts';
import type { Identity } from '../auth/identity.ts';
import { actionOnIdentity } from './connection.ts';

const user = { id: 'anna', name: 'Anna', email: null, picture: null };
const known = (expiresAt: Date | null): Identity => ({
  user,
  credential: { kind: 'session', id: 's', expiresAt },
  refusal: null,
});
const unknown = (refusal: AppError | null): Identity => ({ user: null, credential: null, refusal });
const options = { isRevoked: false, nowMs: 1_000 };

describe('a socket whose caller was identified', () => {
  it('stays open until its credential expires', () => {
    expect(actionOnIdentity(known(new Date(61_000)), options)).toEqual({ kind: 'keep', forMs: 60_000 });
    expect(actionOnIdentity(known(null), options)).toEqual({ kind: 'keep', forMs: null });
  });

  it('is closed with 4401 when the credential was revoked meanwhile', () => {
    expect(actionOnIdentity(known(null), { ...options, isRevoked: true })).toMatchObject({ kind: 'close', code: 4401 });
  });

  it('waits for a sign-in when nobody is signed in', () => {
    expect(actionOnIdentity(unknown(null), options)).toEqual({ kind: 'await-sign-in' });
    expect(actionOnIdentity(unknown(new AppError('UNAUTHENTICATED', 'Expired.')), options).kind).toBe('await-sign-in');
  });

  it.each(['UNAVAILABLE', 'INTERNAL'] as const)('is closed with 1013 when identification failed with %s', (code) => {
    const action = actionOnIdentity(unknown(new AppError(code, 'x'.repeat(200))), options);
    expect(action).toEqual({ kind: 'close', code: 1013, reason: 'x'.repeat(200) });
  });
});
