import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { fieldErrorsOf } from './errors.ts';

const errorsOf = (schema: z.ZodType, input: unknown) => {
  const { error } = schema.safeParse(input);
  return error ? fieldErrorsOf(error) : null;
};

describe('fieldErrorsOf', () => {
  const schema = z.strictObject({ name: z.string().min(3, 'Too short.'), inner: z.strictObject({ n: z.int('No.') }) });

  it('returns the first message of each field, by its path', () => {
    expect(errorsOf(schema, { name: 'x', inner: { n: 'y' } })).toEqual({ name: 'Too short.', 'inner.n': 'No.' });
  });

  it('names each unknown field, at any depth', () => {
    expect(errorsOf(schema, { name: 'long', inner: { n: 1, odd: 1 }, extra: 1 })).toEqual({
      'inner.odd': expect.stringContaining('not known') as string,
      extra: expect.stringContaining('not known') as string,
    });
  });

  it('handles a field called __proto__ like any other', () => {
    const input: unknown = JSON.parse('{"name":"long","inner":{"n":1},"__proto__":{"polluted":true}}');
    expect(Object.keys(errorsOf(schema, input) ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
