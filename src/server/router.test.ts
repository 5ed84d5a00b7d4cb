import { describe, expect, it } from 'vitest';
import type { z } from 'zod';

import { appRouter, procedureNames } from './router.ts';

/** The part of a procedure's definition that is looked at here. */
interface Definition {
  inputs: z.ZodType[];
  output?: z.ZodType;
}

// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
const procedures = appRouter._def.procedures as unknown as Record<string, { _def: Definition }>;

describe.each([...procedureNames])('the procedure %s', (name) => {
  // oxlint-disable-next-line no-underscore-dangle -- as above
  const definition = procedures[name]?._def;

  it('states what it takes and what it gives', () => {
    expect(definition?.inputs.length).toBeGreaterThan(0);
    expect(definition?.output).toBeDefined();
  });

  it('refuses a field that it does not know', () => {
    const issues = definition?.inputs.flatMap((input) => input.safeParse({ surprise: 1 }).error?.issues ?? []);
    expect(issues).toContainEqual(expect.objectContaining({ code: 'unrecognized_keys', keys: ['surprise'] }));
  });
});
