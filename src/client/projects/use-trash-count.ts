/** How many projects of the person are in the trash. */

import { useCallback, useSyncExternalStore } from 'react';

import { useApp } from '../app-context.ts';
import { isInTrash } from './in-trash.ts';

export function useTrashCount(): number {
  const { projectCache } = useApp();
  const subscribe = useCallback((onChange: () => void) => projectCache.onNewest(onChange), [projectCache]);
  return useSyncExternalStore(subscribe, () => projectCache.all().filter(isInTrash).length);
}
