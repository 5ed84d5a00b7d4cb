import { describe, expect, it } from 'vitest';

import { inputWith } from '../../tests/support/made-up-input.ts';
import { proceduresOf } from '../../tests/support/procedures.ts';
import { appRouter, procedureNames } from './router.ts';
import { procedure as guarded } from './trpc.ts';

/** The part of a procedure's definition that is looked at here. */
interface Definition {
  middlewares: unknown[];
  output?: unknown;
}

// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
const definitions = appRouter._def.procedures as unknown as Record<string, { _def: Definition }>;

it('the sweep of tests/integration/server/authorization.test.ts walks every procedure', () => {
  expect(proceduresOf(appRouter).map(({ name }) => name)).toEqual([...procedureNames]);
});

describe.each(proceduresOf(appRouter))('the procedure $name', (procedure) => {
  // oxlint-disable-next-line no-underscore-dangle -- as above
  const definition = definitions[procedure.name]?._def;

  it('lets nobody in who is not signed in: it begins with the guards of the one builder there is', () => {
    // oxlint-disable-next-line no-underscore-dangle -- as above
    const guards = guarded._def.middlewares;
    expect(guards.length).toBeGreaterThan(0);
    expect(definition?.middlewares.slice(0, guards.length)).toEqual([...guards]);
  });

  it('states what it takes and what it gives', () => {
    expect(procedure.inputs.length).toBeGreaterThan(0);
    expect(definition?.output).toBeDefined();
  });

  it('can be asked by a test that knows no more of it than its schema', () => {
    expect(inputWith(procedure, {})).not.toBeNull();
  });

  it('refuses a field that it does not know', () => {
    const issues = procedure.inputs.flatMap((input) => input.safeParse({ surprise: 1 }).error?.issues ?? []);
    expect(issues).toContainEqual(expect.objectContaining({ code: 'unrecognized_keys', keys: ['surprise'] }));
  });
});
