/**
 * The objects of one resource as the watch last saw them, by name, as the rows know their objects: a copy of a pod with all
 * its labels hides nothing. Events may come twice, late or in the wrong order; only a later one than what is held counts.
 */

export interface CachedObject {
  metadata: { name: string; uid: string; resourceVersion: string };
}

export interface ObjectCache<T> {
  /** Whether a list has been taken in: before that nothing may be concluded from a missing object. */
  readonly synced: boolean;
  named(name: string): T | null;
  objects(): T[];
  /** Takes a list for all that there is. */
  replace(objects: T[]): void;
  /** Returns whether the event told anything new. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): boolean;
}

export function createObjectCache<T extends CachedObject>(): ObjectCache<T> {
  /** `object: null` remembers a deletion until the next list, lest an event from before it bring the object back. */
  let byName = new Map<string, { object: T | null; resourceVersion: string }>();
  let synced = false;
  return {
    get synced() {
      return synced;
    },
    named: (name) => byName.get(name)?.object ?? null,
    objects: () => [...byName.values()].flatMap(({ object }) => object ?? []),
    replace(objects) {
      byName = new Map(
        objects.map((object) => [object.metadata.name, { object, resourceVersion: object.metadata.resourceVersion }]),
      );
      synced = true;
    },
    apply(type, object) {
      const { name, uid, resourceVersion } = object.metadata;
      const held = byName.get(name);
      if (held && !isLater(resourceVersion, held.resourceVersion)) return false;
      // A deletion of the object that had the name before says nothing of the one that has it now.
      if (type === 'DELETED' && held?.object && held.object.metadata.uid !== uid) return false;
      byName.set(name, { object: type === 'DELETED' ? null : object, resourceVersion });
      return true;
    },
  };
}

/**
 * Resource versions are numbers that rise within a resource, and may be compared as such.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 * An API whose versions are none is believed to keep the order.
 */
export function isLater(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return true;
  return BigInt(version) > BigInt(than);
}
