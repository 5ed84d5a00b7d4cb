/** The store of the API together with the journal that keeps it on disk. */

import type { Journal } from './journal.ts';
import { createStore, type Store } from './store.ts';

interface PersistentStore {
  store: Store;
  /** Writes a last snapshot and closes the journal. */
  close: () => void;
}

/** @param options.journal where the objects are kept; without it they are lost at the end of the process */
export function createPersistentStore(options: {
  journal: Journal | undefined;
  historyLimit: number | undefined;
  log: (line: string) => void;
}): PersistentStore {
  const { journal, historyLimit, log } = options;
  let isRotationDue = false;
  const store = createStore({
    ...(historyLimit === undefined ? {} : { historyLimit }),
    ...(journal === undefined ? {} : { initial: journal.saved }),
    persist: (change) => {
      if (journal?.append(change) !== true || isRotationDue) return;
      isRotationDue = true;
      // After the current write, so that the snapshot contains it.
      setImmediate(() => {
        isRotationDue = false;
        rotate();
      });
    },
  });

  /** A failed rotation does no harm: the journal only continues to grow. */
  function rotate(): void {
    try {
      journal?.rotate(store.revision(), store.entries());
    } catch (error) {
      log(`Embedded Kubernetes could not write a new snapshot of its objects: ${String(error)}`);
    }
  }

  journal?.rotate(store.revision(), store.entries());
  return {
    store,
    close() {
      rotate();
      journal?.close();
    },
  };
}
