import type { z } from 'zod';

import { appRouter } from '../../src/server/router.ts';

export interface Procedure {
  name: string;
  type: 'query' | 'mutation' | 'subscription';
  /** What it parses its input with: all of them, one after the other. */
  inputs: z.ZodType[];
}

interface Definitions {
  _def: { procedures: unknown };
}

/** Every procedure of a router, from the router itself: a test that walks them all cannot forget a new one. */
export function proceduresOf(router: Definitions): Procedure[] {
  // oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
  const definitions = router._def.procedures as Record<string, { _def: Omit<Procedure, 'name'> }>;
  return Object.entries(definitions).map(([name, definition]) => ({
    name,
    // oxlint-disable-next-line no-underscore-dangle -- as above
    type: definition._def.type,
    // oxlint-disable-next-line no-underscore-dangle -- as above
    inputs: definition._def.inputs,
  }));
}

export const procedures: Procedure[] = proceduresOf(appRouter);
