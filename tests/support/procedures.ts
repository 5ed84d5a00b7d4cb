import type { z } from 'zod';

import { appRouter } from '../../src/server/router.ts';
import type { Right } from '../../src/shared/contract/roles.ts';

export interface Procedure {
  name: string;
  type: 'query' | 'mutation' | 'subscription';
  /** The input parsers, which run one after the other. */
  inputs: z.ZodType[];
  /** What the caller needs in a project; `null` when the procedure concerns no project. */
  right: Right | null;
}

interface Definitions {
  _def: { procedures: unknown };
}

/** Lists every procedure of a router, so that a test cannot miss a new one. */
export function proceduresOf(router: Definitions): Procedure[] {
  // oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
  const definitions = router._def.procedures as Record<
    string,
    { _def: Pick<Procedure, 'type' | 'inputs'> & { meta?: { right?: Right } } }
  >;
  return Object.entries(definitions).map(([name, definition]) => ({
    name,
    // oxlint-disable-next-line no-underscore-dangle -- as above
    type: definition._def.type,
    // oxlint-disable-next-line no-underscore-dangle -- as above
    inputs: definition._def.inputs,
    // oxlint-disable-next-line no-underscore-dangle -- as above
    right: definition._def.meta?.right ?? null,
  }));
}

export const procedures: Procedure[] = proceduresOf(appRouter);

/** The procedures that need no sign-in: a computer logs in with them. All others must refuse who is not signed in. */
export const publicProcedures: ReadonlySet<string> = new Set(['devices.poll', 'devices.start']);
