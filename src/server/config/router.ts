/** The procedures on the configuration of a project: each parses its input, calls one function and returns. */

import {
  applyingConfigSchema,
  configInputSchema,
  configSchema,
  configVersionInputSchema,
  configVersionListSchema,
  configVersionSchema,
  restoreConfigInputSchema,
  savedConfigSchema,
  saveConfigInputSchema,
} from '../../shared/contract/config.ts';
import { projectProcedure, router } from '../trpc.ts';

export const configRouter = router({
  get: projectProcedure('edit')
    .input(configInputSchema)
    .output(configSchema)
    .query(({ ctx, input }) => ctx.services.config.get(ctx, input.id)),
  save: projectProcedure('edit')
    .input(saveConfigInputSchema)
    .output(savedConfigSchema)
    .mutation(({ ctx, input }) => ctx.services.config.save(ctx, input)),
  versions: projectProcedure('edit')
    .input(configInputSchema)
    .output(configVersionListSchema)
    .query(({ ctx, input }) => ctx.services.config.versions(ctx, input.id)),
  version: projectProcedure('edit')
    .input(configVersionInputSchema)
    .output(configVersionSchema)
    .query(({ ctx, input }) => ctx.services.config.version(ctx, input)),
  restore: projectProcedure('edit')
    .input(restoreConfigInputSchema)
    .output(savedConfigSchema)
    .mutation(({ ctx, input }) => ctx.services.config.restore(ctx, input)),
  applyNow: projectProcedure('edit')
    .input(configInputSchema)
    .output(applyingConfigSchema)
    .mutation(({ ctx, input }) => ctx.services.config.applyNow(ctx, input.id)),
});
