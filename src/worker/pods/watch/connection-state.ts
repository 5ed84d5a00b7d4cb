/** Whether the watch reaches the cluster: pods and claims are connected, and the rows have been compared since. */

type Part = 'pods' | 'persistentvolumeclaims' | 'rows';

export interface ConnectionState {
  is(part: Part): boolean;
  set(part: Part, connected: boolean): void;
}

/** @param onReachable called with the first result and at every change */
export function createConnectionState(onReachable: (reachable: boolean) => void): ConnectionState {
  const connected = { pods: false, persistentvolumeclaims: false, rows: false };
  let reachable: boolean | null = null;
  return {
    is: (part) => connected[part],
    set(part, state) {
      connected[part] = state;
      const all = connected.pods && connected.persistentvolumeclaims && connected.rows;
      if (all === reachable) return;
      reachable = all;
      onReachable(all);
    },
  };
}
