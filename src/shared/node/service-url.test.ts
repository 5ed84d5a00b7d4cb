import fc from 'fast-check';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { ConfigurationError, commonVariables, readEnvironment } from './environment.ts';

const schema = z.object({ DATABASE_URL: commonVariables.DATABASE_URL, REDIS_URL: commonVariables.REDIS_URL });
const rightUrls = { DATABASE_URL: 'postgresql://user:secret@host:5432/app', REDIS_URL: 'redis://host:6379' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readEnvironment(schema, { ...rightUrls, ...env });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).problems; // asserted above
  }
}

/** The password that the client of the service reads from the URL. */
const readers: Record<keyof typeof rightUrls, (url: string) => string | undefined> = {
  DATABASE_URL: (url) => (new Client({ connectionString: url }) as { password?: string }).password,
  REDIS_URL: (url) => new Redis(url, { lazyConnect: true }).options.password,
};

describe('a URL with a password', () => {
  it.each(['DATABASE_URL', 'REDIS_URL'] as const)(
    'in %s either means exactly that password, or is refused at start without a part of it',
    (name) => {
      const scheme = name === 'DATABASE_URL' ? 'postgresql' : 'redis';
      const piece = fc.oneof(
        fc.constantFrom('#', '/', '?', '@', ':', '%', '[', ']', '\\', ' ', '&', '=', '+', ';', '\n', '\t'),
        fc.stringMatching(/^[a-z0-9]$/),
      );
      fc.assert(
        fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
          const password = `Hunter${pieces.join('')}2Secret`;
          fc.pre(!/%[0-9a-f]{2}/i.test(password)); // that is how other characters are written
          const url = `${scheme}://user:${password}@host:1234/7`;
          const problems = problemsOf({ [name]: url });
          if (problems.length === 0) expect(readers[name](url)).toBe(password);
          else expect(problems.join()).not.toMatch(/Hunter|Secret/);
        }),
        { numRuns: 500 },
      );
    },
  );

  it.each([
    ['postgresql://user:12#34@host/app', '%23'],
    ['postgresql://user:ab#cd@host/app', '%23'],
    ['postgresql://user:12/34@host/app', '%2F'],
    ['postgresql://user:ab?cd@host/app', '%3F'],
    ['postgresql://user:100%@host/app', '%25'],
    ['postgresql://user:a b@host/app', '%20'],
  ])('whose character is not encoded is refused with how to write it: %s', (url, encoded) => {
    expect(problemsOf({ DATABASE_URL: url })).toEqual([expect.stringContaining(encoded)]);
  });

  it('may have parameters, an IPv6 address and encoded characters', () => {
    for (const url of [
      'postgresql://user:p%23w@[2001:db8::1]:5432/app?options=-c%20search_path%3Dother&application_name=a%40b',
      'postgres://host/app',
    ]) {
      expect(problemsOf({ DATABASE_URL: url })).toEqual([]);
    }
    expect(problemsOf({ REDIS_URL: 'rediss://:p%2Fw@[::1]:6379/1' })).toEqual([]);
    expect(new Client({ connectionString: 'postgresql://user@[::1]/app' }).host).toBe('::1');
    expect(new Redis('redis://[::1]:6379', { lazyConnect: true }).options.host).toBe('::1');
  });
});
