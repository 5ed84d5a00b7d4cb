/** The query cache and its defaults: no refetches, because the subscription keeps the data up to date. */

import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';

import { isTransient, readError } from './read-error.ts';

/**
 * Creates the cache. `onUnauthenticated` is called for each call that is refused because nobody is signed in. Queries are
 * retried twice after a transient error. Commands are never retried automatically.
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
        retry: (failures, error) => failures < 2 && isTransient(readError(error)),
        retryDelay: (failures, error) => {
          const { retryAfterSeconds } = readError(error);
          return retryAfterSeconds === null ? 500 * 2 ** failures : Math.min(retryAfterSeconds, 10) * 1000;
        },
      },
      mutations: { networkMode: 'always' },
    },
  });
}
