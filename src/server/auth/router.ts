/** The procedure that returns the signed-in user. Sign-in itself uses redirects: see `routes.ts`. */

import { meSchema } from '../../shared/contract/account.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const authRouter = router({
  me: procedure
    .input(noInputSchema)
    .output(meSchema)
    .query(async ({ ctx }) => ({ ...ctx.user, isAdministrator: await ctx.services.admin.isAdministrator(ctx) })),
});
