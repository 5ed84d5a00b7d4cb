/** The procedures on model providers, the caller's own keys, and the caller's usage. */

import {
  modelKeyInputSchema,
  modelProvidersSchema,
  modelUsageInputSchema,
  modelUsageSchema,
  setModelKeyInputSchema,
} from '../../shared/contract/models.ts';
import { noInputSchema, procedure, router } from '../trpc.ts';

export const modelsRouter = router({
  providers: procedure
    .input(noInputSchema)
    .output(modelProvidersSchema)
    .query(({ ctx }) => ctx.services.models.providers(ctx)),
  setKey: procedure
    .input(setModelKeyInputSchema)
    .output(modelKeyInputSchema)
    .mutation(({ ctx, input }) => ctx.services.models.setKey(ctx, input)),
  deleteKey: procedure
    .input(modelKeyInputSchema)
    .output(modelKeyInputSchema)
    .mutation(({ ctx, input }) => ctx.services.models.deleteKey(ctx, input.provider)),
  usage: procedure
    .input(modelUsageInputSchema)
    .output(modelUsageSchema)
    .query(({ ctx, input }) => ctx.services.models.usage(ctx, input.days)),
});
