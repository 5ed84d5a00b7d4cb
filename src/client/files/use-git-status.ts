/** The changes of the working tree. They are read again a second after a change on the volume. */

import { keepPreviousData } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';

import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { marksOf, noMarks } from './tree/git-marks.ts';

/** An agent changes many files one after the other, and git reads the whole tree each time. */
const quietMs = 1_000;

/** OpenCode answers for git, and takes a while after its start. */
const maxRetries = 10;
export const retriesGit = (failures: number, error: unknown): boolean =>
  failures < maxRetries && isTransient(readError(error));

export function useGitStatus(id: string, isRunning: boolean) {
  const query = trpc.files.gitStatus.useQuery(
    { id },
    { enabled: isRunning, staleTime: 0, placeholderData: keepPreviousData, retry: retriesGit },
  );
  const marks = useMemo(() => (query.data === undefined ? noMarks : marksOf(query.data)), [query.data]);
  return { query, marks };
}

/**
 * Returns a function that reads status and diffs again soon. Calls until then count as one. A reading is never cut short by
 * the next: while an agent writes all the time, the status would never arrive.
 */
export function useGitRefresh(): () => void {
  const utils = trpc.useUtils();
  const state = useRef({ timer: 0, isReading: false, isRequested: false });
  useEffect(() => {
    const { current } = state;
    return () => {
      window.clearTimeout(current.timer);
      current.timer = 0;
    };
  }, []);
  const read = async (): Promise<void> => {
    const { current } = state;
    current.timer = 0;
    current.isReading = true;
    current.isRequested = false;
    await Promise.all([utils.files.gitStatus.invalidate(), utils.files.gitDiff.invalidate()]);
    current.isReading = false;
    if (current.isRequested) refresh();
  };
  const refresh = (): void => {
    const { current } = state;
    if (current.isReading) current.isRequested = true;
    else if (current.timer === 0) current.timer = window.setTimeout(() => void read(), quietMs);
  };
  return refresh;
}
