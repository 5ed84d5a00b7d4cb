/** The procedures on browser sessions. */

import { z } from 'zod';

import { revokedSessionsSchema, sessionIdInputSchema, sessionSchema } from '../../shared/contract/account.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const sessionsRouter = router({
  list: procedure
    .input(noInputSchema)
    .output(z.array(sessionSchema))
    .query(({ ctx }) => ctx.services.sessions.list(ctx)),
  revoke: procedure
    .input(sessionIdInputSchema)
    .output(revokedSessionsSchema)
    .mutation(({ ctx, input }) => ctx.services.sessions.revoke(ctx, input.id)),
  revokeOthers: procedure
    .input(noInputSchema)
    .output(revokedSessionsSchema)
    .mutation(({ ctx }) => ctx.services.sessions.revokeOthers(ctx)),
  revokeAll: procedure
    .input(noInputSchema)
    .output(revokedSessionsSchema)
    .mutation(({ ctx }) => ctx.services.sessions.revokeAll(ctx)),
});
