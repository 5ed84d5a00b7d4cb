/** The loopback addresses of the pods. */

import { createHash } from 'node:crypto';

import { textAt, type KubeObject } from '../../../api/kube-object.ts';

/** An address in 127.64.0.0/10 for a pod. Other attempts give other addresses. */
export function addressOf(uid: string, attempt = 0): string {
  const [first = 0, second = 0, third = 0] = createHash('sha256').update(`${uid}${attempt}`).digest();
  return `127.${64 + (first % 64)}.${second}.${1 + (third % 254)}`;
}

export type PodAddresses = ReturnType<typeof createPodAddresses>;

/** Gives every living pod an address of its own. A pod that already has one in its status keeps it if it is free. */
export function createPodAddresses() {
  const byUid = new Map<string, string>();
  const taken = new Set<string>();

  return {
    of(pod: KubeObject): string {
      const { uid } = pod.metadata;
      const known = byUid.get(uid);
      if (known !== undefined) return known;
      const last = textAt(pod, 'status', 'podIP');
      let address = /^127\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(last) ? last : addressOf(uid);
      for (let attempt = 1; taken.has(address); attempt += 1) address = addressOf(uid, attempt);
      byUid.set(uid, address);
      taken.add(address);
      return address;
    },
    release(uid: string): void {
      taken.delete(byUid.get(uid) ?? '');
      byUid.delete(uid);
    },
  };
}
