/** How many projects of the person have an agent that has waited for an answer longer than their time limit. */

import { useCallback, useSyncExternalStore } from 'react';

import { useApp } from '../app-context.ts';
import { useNow } from '../ui/use-now.ts';
import { countOverdue } from './waiting.ts';

export function useOverdueProjects(): number {
  const { projectCache } = useApp();
  const nowMs = useNow();
  const subscribe = useCallback((onChange: () => void) => projectCache.onNewest(onChange), [projectCache]);
  return useSyncExternalStore(subscribe, () => countOverdue(projectCache.all(), nowMs));
}
