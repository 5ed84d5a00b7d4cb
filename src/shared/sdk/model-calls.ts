/** The calls of the SDK for model providers, the caller's own keys, and usage. */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { ModelProviders, ModelUsage, SetModelKeyInput } from '../contract/models.ts';
import { withAppErrors } from './read-app-error.ts';

/** @throws AppError if the API refuses the call; the library's TRPCClientError if the API did not answer */
export interface ModelCalls {
  /** The providers, and for which of them the installation or the caller has a key. No key is ever returned. */
  providers(): Promise<ModelProviders>;
  /** Stores the caller's own key for a provider, in place of an older one. */
  setKey(input: SetModelKeyInput): Promise<void>;
  deleteKey(provider: string): Promise<void>;
  /** What the caller has used in the last days: 30 unless the input says otherwise. */
  usage(input?: { days?: number }): Promise<ModelUsage>;
}

export function createModelCalls({ models }: TRPCClient<AppRouter>): ModelCalls {
  return {
    providers: () => withAppErrors(models.providers.query()),
    async setKey(input) {
      await withAppErrors(models.setKey.mutate(input));
    },
    async deleteKey(provider) {
      await withAppErrors(models.deleteKey.mutate({ provider }));
    },
    usage: (input = {}) => withAppErrors(models.usage.query(input)),
  };
}
