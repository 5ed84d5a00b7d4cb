/** Deletes the objects that a deleted object owned, at once. In a real cluster the garbage collector does it a little later. */

import { objectsAt, textAt } from './kube-object.ts';
import { storeKeyOf } from './resource-definition.ts';
import { definitionOf } from './resources.ts';
import type { Store } from './store.ts';

/** The kinds of which objects can be owned by other objects here. */
const owned = ['secrets', 'configmaps'].map((plural) => storeKeyOf(definitionOf(plural)));

export function removeDependents(store: Store): void {
  store.subscribe(({ type, object: owner }) => {
    if (type !== 'DELETED') return;
    for (const key of owned) {
      const dependents = store
        .list(key)
        .filter(({ metadata }) =>
          objectsAt({ metadata }, 'metadata', 'ownerReferences').some(
            (reference) => textAt(reference, 'uid') === owner.metadata.uid,
          ),
        );
      for (const dependent of dependents) store.remove(key, dependent);
    }
  });
}
