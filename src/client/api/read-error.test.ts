import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import { isPassing, readError } from './read-error.ts';

describe('reading an error', () => {
  it('keeps the sentence, the code and the fields of the API', () => {
    const data = { appCode: 'NAME_TAKEN', fields: { name: 'Taken.' }, retryAfterSeconds: null };
    const error = TRPCClientError.from({ error: { code: -32009, message: 'The name is taken.', data } });
    expect(readError(error)).toEqual({
      code: 'NAME_TAKEN',
      message: 'The name is taken.',
      fields: { name: 'Taken.' },
      retryAfterSeconds: null,
    });
  });

  it('takes everything else for an answer that never came, in words', () => {
    for (const error of [new TypeError('Failed to fetch'), TRPCClientError.from(new Error('<html>')), 'text', null]) {
      expect(readError(error)).toMatchObject({ code: 'UNREACHABLE' });
      expect(readError(error).message).toMatch(/could not be reached/);
    }
  });

  it('tries again only what may pass', () => {
    const passing = (code: Parameters<typeof isPassing>[0]['code']) =>
      isPassing({ code, message: '', fields: {}, retryAfterSeconds: null });
    expect(passing('UNREACHABLE')).toBe(true);
    expect(passing('UNAVAILABLE')).toBe(true);
    expect(passing('NOT_FOUND')).toBe(false);
    expect(passing('UNAUTHENTICATED')).toBe(false);
  });
});
