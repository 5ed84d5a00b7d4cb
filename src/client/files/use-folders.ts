/** Reads the folders that the tree shows. Large folders come in pages; each page is shown as it arrives. */

import { useQueries, type QueryClient, type QueryKey, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

import type { FileEntry } from '../../shared/contract/files.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import type { Client } from './file-stores.ts';
import { foldersAbove } from './paths.ts';
import type { FolderContent } from './tree/tree-rows.ts';

interface ReadFolder {
  entries: FileEntry[];
  isComplete: boolean;
}

export const folderKey = (projectId: string, path: string): QueryKey => ['project-folder', projectId, path];

/** The expanded folders whose parents are expanded too, and the project's folder. */
export function visibleFolders(expanded: ReadonlySet<string>): string[] {
  return ['', ...[...expanded].filter((path) => foldersAbove(path).every((folder) => expanded.has(folder)))];
}

/** The content of these folders. A folder is read when it is first in the list, and when its query is invalidated. */
export function useFolders(projectId: string, paths: readonly string[], isRunning: boolean) {
  const { client } = trpc.useUtils();
  const combine = useCallback(
    (results: UseQueryResult<ReadFolder>[]) =>
      new Map(results.map((result, index) => [paths[index] ?? '', contentOf(result)] as const)),
    [paths],
  );
  const queries = useMemo(
    () =>
      paths.map((path) => ({
        queryKey: folderKey(projectId, path),
        queryFn: ({ client: queryClient, signal }: { client: QueryClient; signal: AbortSignal }) =>
          readFolder({ client, queryClient, projectId, path, signal }),
        staleTime: 0,
        enabled: isRunning,
      })),
    [client, projectId, paths, isRunning],
  );
  return useQueries({ queries, combine });
}

function contentOf({ data, error }: UseQueryResult<ReadFolder>): FolderContent & { error: unknown } {
  return {
    entries: data?.entries ?? [],
    isLoading: data?.isComplete !== true,
    // What was read before stays on the screen: an entry that is gone disappears with its folder.
    problem: error === null || data !== undefined ? null : readError(error).message,
    error,
  };
}

async function readFolder(input: {
  client: Client;
  queryClient: QueryClient;
  projectId: string;
  path: string;
  signal: AbortSignal;
}): Promise<ReadFolder> {
  const { client, queryClient, projectId, path, signal } = input;
  const key = folderKey(projectId, path);
  const entries: FileEntry[] = [];
  let cursor: string | null = null;
  let shown = 0;
  do {
    const page: { entries: FileEntry[]; nextCursor: string | null } = await client.files.list.query(
      { id: projectId, path, cursor },
      { signal },
    );
    entries.push(...page.entries);
    cursor = page.nextCursor;
    // Each time all rows of the tree are made again, so there are few times also for a large folder.
    const isMuchMore = entries.length >= 2 * shown;
    // A folder that is read again keeps its entries until all are here.
    if (cursor !== null && isMuchMore && queryClient.getQueryData<ReadFolder>(key)?.isComplete !== true) {
      shown = entries.length;
      queryClient.setQueryData<ReadFolder>(key, { entries: [...entries], isComplete: false });
    }
  } while (cursor !== null);
  return { entries, isComplete: true };
}
