/** Who am I? Sign-in itself is not a procedure but a redirect: see `routes.ts`. */

import { userSchema } from '../../shared/contract/account.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const authRouter = router({
  me: procedure
    .input(noInputSchema)
    .output(userSchema)
    .query(({ ctx }) => ctx.user),
});
