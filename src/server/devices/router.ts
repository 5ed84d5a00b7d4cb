/** The procedures by which a computer logs in, and by which a person decides about it. */

import { z } from 'zod';

import {
  pollDeviceLoginInputSchema,
  polledDeviceLoginSchema,
  startDeviceLoginInputSchema,
  startedDeviceLoginSchema,
  userCodeInputSchema,
  waitingDeviceSchema,
} from '../../shared/contract/device-login.ts';
import { procedure, publicProcedure, router } from '../trpc.ts';

export const devicesRouter = router({
  start: publicProcedure
    .input(startDeviceLoginInputSchema)
    .output(startedDeviceLoginSchema)
    .mutation(({ ctx, input }) => ctx.services.deviceLogins.start({ address: ctx.address, name: input.name })),
  poll: publicProcedure
    .input(pollDeviceLoginInputSchema)
    .output(polledDeviceLoginSchema)
    .mutation(({ ctx, input }) => ctx.services.deviceLogins.poll({ ...input, requestId: ctx.requestId })),
  find: procedure
    .input(userCodeInputSchema)
    .output(waitingDeviceSchema)
    .query(({ ctx, input }) => ctx.services.devices.find(ctx, input.userCode)),
  confirm: procedure
    .input(userCodeInputSchema)
    .output(z.object({}))
    .mutation(({ ctx, input }) => ctx.services.devices.confirm(ctx, input.userCode)),
  refuse: procedure
    .input(userCodeInputSchema)
    .output(z.object({}))
    .mutation(({ ctx, input }) => ctx.services.devices.refuse(ctx, input.userCode)),
});
