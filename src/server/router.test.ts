import { describe, expect, it } from 'vitest';

import { inputWith } from '../../tests/support/made-up-input.ts';
import { proceduresOf, publicProcedures } from '../../tests/support/procedures.ts';
import { appRouter, procedureNames } from './router.ts';
import { procedure as guarded, publicProcedure } from './trpc.ts';

/** The part of a procedure's definition that this test reads. */
interface Definition {
  middlewares: unknown[];
  output?: unknown;
}

// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other access to the definitions
const definitions = appRouter._def.procedures as unknown as Record<string, { _def: Definition }>;

it('the authorization sweep of the integration tests covers every procedure', () => {
  expect(proceduresOf(appRouter).map(({ name }) => name)).toEqual([...procedureNames]);
});

describe.each(proceduresOf(appRouter))('the procedure $name', (procedure) => {
  // oxlint-disable-next-line no-underscore-dangle -- as above
  const definition = definitions[procedure.name]?._def;

  const isPublic = publicProcedures.has(procedure.name);
  it(`${isPublic ? 'serves' : 'refuses'} anonymous callers, because it starts with the guards of its builder`, () => {
    // oxlint-disable-next-line no-underscore-dangle -- as above
    const guards = (isPublic ? publicProcedure : guarded)._def.middlewares;
    expect(guards.length).toBeGreaterThan(0);
    expect(definition?.middlewares.slice(0, guards.length)).toEqual([...guards]);
  });

  it('has an input schema and an output schema', () => {
    expect(procedure.inputs.length).toBeGreaterThan(0);
    expect(definition?.output).toBeDefined();
  });

  it('can be called with an input that is generated from its schema', () => {
    expect(inputWith(procedure, {})).not.toBeNull();
  });

  it('refuses an unknown field', () => {
    const issues = procedure.inputs.flatMap((input) => input.safeParse({ surprise: 1 }).error?.issues ?? []);
    expect(issues).toContainEqual(expect.objectContaining({ code: 'unrecognized_keys', keys: ['surprise'] }));
  });
});
