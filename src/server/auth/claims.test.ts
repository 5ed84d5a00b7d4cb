import { describe, expect, it } from 'vitest';

import { claimsSchema, readClaims, withMissingClaims } from './claims.ts';

const claimsOf = (claims: object) => claimsSchema.parse({ sub: 'one', ...claims });

describe('an address counts as confirmed', () => {
  it.each([
    ['with the claim true', { email: 'a@example.test', email_verified: true }, true],
    ['not with the claim false', { email: 'a@example.test', email_verified: false }, false],
    ['not with a claim that is text', { email: 'a@example.test', email_verified: 'true' }, null],
    ['not without the claim', { email: 'a@example.test' }, null],
    ['not when there is no address', { email_verified: true }, null],
  ])('%s', (_what, claims, expected) => {
    expect(readClaims(claimsOf(claims)).emailVerified).toBe(expected);
  });

  it.each([
    ['when both sources have the address', { email: 'a@example.test' }, 'a@example.test', true],
    ['when only the second source has an address', {}, 'a@example.test', true],
    ['not when the second source confirms another address', { email: 'mine@example.test' }, 'a@example.test', null],
    [
      'not when the first source denies it',
      { email: 'a@example.test', email_verified: false },
      'a@example.test',
      false,
    ],
  ])('%s', (_what, first, email, expected) => {
    const merged = withMissingClaims(claimsOf(first), claimsOf({ email, email_verified: true }));
    expect(readClaims(merged).emailVerified).toBe(expected);
  });
});
