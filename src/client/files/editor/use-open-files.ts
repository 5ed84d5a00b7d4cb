import { useSyncExternalStore } from 'react';

import type { FileStore } from './file-store.ts';
import type { OpenFiles } from './open-files.ts';

/** The open files. The component renders again with each typed character. */
export const useOpenFiles = (store: FileStore): OpenFiles => useSyncExternalStore(store.subscribe, store.get);

/** One value of the open files. The component renders again only when the value changes. */
export function useOpenFilesValue<Value extends string | number | boolean>(
  store: FileStore,
  select: (files: OpenFiles) => Value,
): Value {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}
