/**
 * The objects of one resource as the watch last reported them, by name. Rows know their objects by name, so a copy of a pod
 * with all its labels hides nothing. Events may come twice, late or out of order; only newer versions are taken.
 */

export interface CachedObject {
  metadata: { name: string; uid: string; resourceVersion: string };
}

export interface ObjectCache<T> {
  /** Whether the cache has received a list. Before that, a missing object proves nothing. */
  readonly synced: boolean;
  named(name: string): T | null;
  objects(): T[];
  /** Replaces the content by a complete list. */
  replace(objects: T[]): void;
  /** Returns whether the event carried new information. */
  apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): boolean;
}

export function createObjectCache<T extends CachedObject>(): ObjectCache<T> {
  /** `object: null` keeps a deletion until the next list, so that an older event does not bring the object back. */
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
      // The deletion of a predecessor with the same name does not concern the current object.
      if (type === 'DELETED' && held?.object && held.object.metadata.uid !== uid) return false;
      byName.set(name, { object: type === 'DELETED' ? null : object, resourceVersion });
      return true;
    },
  };
}

/**
 * Compares two resource versions. They are numbers that rise within a resource.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
 * When a version is not a number, the API is trusted to keep the order.
 */
export function isLater(version: string, than: string): boolean {
  if (!/^\d+$/.test(version) || !/^\d+$/.test(than)) return true;
  return BigInt(version) > BigInt(than);
}
