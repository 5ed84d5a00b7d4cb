/** The whole API. Its type alone is what client and SDK import. */
import { authRouter } from './auth/router.ts';
import { projectsRouter } from './projects/router.ts';
import { tokensRouter } from './tokens/router.ts';
import { router } from './trpc.ts';

export const appRouter = router({ auth: authRouter, projects: projectsRouter, tokens: tokensRouter });

export type AppRouter = typeof appRouter;
