/** The procedures about the signed-in user: who it is, and the user's choices for new projects. Sign-in itself uses redirects: see `routes.ts`. */

import { changeDefaultsInputSchema, meSchema, projectDefaultsSchema } from '../../shared/contract/account.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const authRouter = router({
  defaults: procedure
    .input(noInputSchema)
    .output(projectDefaultsSchema)
    .query(({ ctx }) => ctx.services.defaults.get(ctx)),
  setDefaults: procedure
    .input(changeDefaultsInputSchema)
    .output(projectDefaultsSchema)
    .mutation(({ ctx, input }) => ctx.services.defaults.set(ctx, input)),
  me: procedure
    .input(noInputSchema)
    .output(meSchema)
    .query(async ({ ctx }) => ({ ...ctx.user, isAdministrator: await ctx.services.admin.isAdministrator(ctx) })),
});
