/** The whole API. Client and SDK import only its type. */

import { adminRouter } from './admin/router.ts';
import { authRouter } from './auth/router.ts';
import { configRouter } from './config/router.ts';
import { devicesRouter } from './devices/router.ts';
import { filesRouter } from './files/router.ts';
import { membersRouter } from './members/router.ts';
import { modelsRouter } from './models/router.ts';
import { projectsRouter } from './projects/router.ts';
import { runsRouter } from './runs/router.ts';
import { sessionsRouter } from './sessions/router.ts';
import { tasksRouter } from './tasks/router.ts';
import { tokensRouter } from './tokens/router.ts';
import { router } from './trpc.ts';

export const appRouter = router({
  admin: adminRouter,
  auth: authRouter,
  config: configRouter,
  devices: devicesRouter,
  files: filesRouter,
  members: membersRouter,
  models: modelsRouter,
  projects: projectsRouter,
  runs: runsRouter,
  sessions: sessionsRouter,
  tasks: tasksRouter,
  tokens: tokensRouter,
});

/** The full name of every procedure. */
// oxlint-disable-next-line no-underscore-dangle -- tRPC offers no other access to the list
export const procedureNames: ReadonlySet<string> = new Set(Object.keys(appRouter._def.procedures));

/** Subscriptions, which only sockets serve. tRPC would also serve them over HTTP, where signing out does not end them. */
export const subscriptionNames: ReadonlySet<string> = new Set(
  // oxlint-disable-next-line no-underscore-dangle -- as above; the record is flat, although its type is nested
  Object.entries(appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>).flatMap(
    // oxlint-disable-next-line no-underscore-dangle -- as above
    ([name, { _def }]) => (_def.type === 'subscription' ? [name] : []),
  ),
);

export type AppRouter = typeof appRouter;
