import { appRouter } from '../../src/server/router.ts';

export interface Procedure {
  name: string;
  type: 'query' | 'mutation' | 'subscription';
}

// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its definitions
const definitions = appRouter._def.procedures as unknown as Record<string, { _def: { type: Procedure['type'] } }>;

/** Every procedure of the API, from the router itself: a test that walks them all cannot forget a new one. */
export const procedures: Procedure[] = Object.entries(definitions).map(([name, definition]) => ({
  name,
  // oxlint-disable-next-line no-underscore-dangle -- as above
  type: definition._def.type,
}));
