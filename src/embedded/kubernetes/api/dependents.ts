import { objectsAt, textAt } from './kube-object.ts';
import { storeKeyOf } from './resource-definition.ts';
import { definitionOf } from './resources.ts';
import type { Store } from './store.ts';

/** What here is ever owned by another object. */
const owned = ['secrets', 'configmaps'].map((plural) => storeKeyOf(definitionOf(plural)));

/** Removes what an object owns as soon as it is gone itself, as the garbage collector of a cluster does a little later. */
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
