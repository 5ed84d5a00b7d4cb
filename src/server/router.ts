/** The whole API. Its type alone is what client and SDK import. */
import { authRouter } from './auth/router.ts';
import { projectsRouter } from './projects/router.ts';
import { tokensRouter } from './tokens/router.ts';
import { router } from './trpc.ts';

export const appRouter = router({ auth: authRouter, projects: projectsRouter, tokens: tokensRouter });

/** Every procedure by its full name. */
// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other way to its list
export const procedureNames: ReadonlySet<string> = new Set(Object.keys(appRouter._def.procedures));

export type AppRouter = typeof appRouter;
