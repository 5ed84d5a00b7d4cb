/** The whole API. Its type alone is what client and SDK import. */

import { authRouter } from './auth/router.ts';
import { projectsRouter } from './projects/router.ts';
import { sessionsRouter } from './sessions/router.ts';
import { tokensRouter } from './tokens/router.ts';
import { router } from './trpc.ts';

export const appRouter = router({
  auth: authRouter,
  projects: projectsRouter,
  sessions: sessionsRouter,
  tokens: tokensRouter,
});

/** Every procedure by its full name. */
// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its list
export const procedureNames: ReadonlySet<string> = new Set(Object.keys(appRouter._def.procedures));

/** Those that a socket alone carries: tRPC would serve them over HTTP too, where signing out ends nothing. */
export const subscriptionNames: ReadonlySet<string> = new Set(
  // oxlint-disable-next-line no-underscore-dangle -- as above; what is nested for the types is one flat record
  Object.entries(appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>).flatMap(
    // oxlint-disable-next-line no-underscore-dangle -- as above
    ([name, { _def }]) => (_def.type === 'subscription' ? [name] : []),
  ),
);

export type AppRouter = typeof appRouter;
