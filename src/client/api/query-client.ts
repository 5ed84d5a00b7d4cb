/** The query cache and its manners: nothing is asked twice, for the subscription keeps it right. */

import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

import { isPassing, readError } from './read-error.ts';

/**
 * Builds the cache. `onUnauthenticated` is called for each refused call, whichever page made it. Queries try again
 * twice after a failure that may pass; commands never do by themselves.
 */
export function createQueryClient({ onUnauthenticated }: { onUnauthenticated: () => void }): QueryClient {
  const onError = (error: unknown): void => {
    if (readError(error).code === 'UNAUTHENTICATED') onUnauthenticated();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: (failures, error) => failures < 2 && isPassing(readError(error)),
        retryDelay: (failures, error) => {
          const { retryAfterSeconds } = readError(error);
          return retryAfterSeconds === null ? 500 * 2 ** failures : Math.min(retryAfterSeconds, 10) * 1000;
        },
      },
      mutations: { networkMode: 'always' },
    },
  });
}
