import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import { isTransient, readError } from './read-error.ts';

describe('reading an error', () => {
  it('keeps the message, code and fields of an error of the API', () => {
    const data = { appCode: 'NAME_TAKEN', fields: { name: 'Taken.' }, retryAfterSeconds: null };
    const error = TRPCClientError.from({ error: { code: -32009, message: 'The name is taken.', data } });
    expect(readError(error)).toEqual({
      code: 'NAME_TAKEN',
      message: 'The name is taken.',
      fields: { name: 'Taken.' },
      retryAfterSeconds: null,
    });
  });

  it('treats everything else as an unreachable server', () => {
    for (const error of [new TypeError('Failed to fetch'), TRPCClientError.from(new Error('<html>')), 'text', null]) {
      expect(readError(error)).toMatchObject({ code: 'UNREACHABLE' });
      expect(readError(error).message).toMatch(/could not be reached/);
    }
  });

  it('recognises transient errors', () => {
    const transient = (code: Parameters<typeof isTransient>[0]['code']) =>
      isTransient({ code, message: '', fields: {}, retryAfterSeconds: null });
    expect(transient('UNREACHABLE')).toBe(true);
    expect(transient('UNAVAILABLE')).toBe(true);
    expect(transient('NOT_FOUND')).toBe(false);
    expect(transient('UNAUTHENTICATED')).toBe(false);
  });
});
