/** The procedures on personal access tokens. */

import { z } from 'zod';

import {
  accessTokenSchema,
  createdTokenSchema,
  createTokenInputSchema,
  tokenIdInputSchema,
} from '../../shared/contract/account.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const tokensRouter = router({
  create: procedure
    .input(createTokenInputSchema)
    .output(createdTokenSchema)
    .mutation(({ ctx, input }) =>
      ctx.services.tokens.create(ctx, { name: input.name, expiresAt: input.expiresAt ?? null }),
    ),
  list: procedure
    .input(noInputSchema)
    .output(z.array(accessTokenSchema))
    .query(({ ctx }) => ctx.services.tokens.list(ctx)),
  revoke: procedure
    .input(tokenIdInputSchema)
    .output(accessTokenSchema)
    .mutation(({ ctx, input }) => ctx.services.tokens.revoke(ctx, input.id)),
});
