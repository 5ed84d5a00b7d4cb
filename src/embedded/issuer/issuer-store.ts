/** The memory of the issuer: sessions, running sign-ins and codes. */

import type { Adapter, AdapterPayload } from 'oidc-provider';

import type { Clock } from '../../shared/clock.ts';

const maxEntries = 10_000;

interface Entry {
  payload: AdapterPayload;
  /** In milliseconds since the epoch. */
  expiresAt: number;
}

/**
 * Creates the adapter factory of oidc-provider: one adapter for each kind of object, all on one map. A restart signs everybody
 * out of the issuer, but not out of the application. When there are too many entries, the oldest are deleted.
 */
export function createIssuerStore(clock: Clock): (kind: string) => Adapter {
  const entries = new Map<string, Entry>();

  const read = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAt > clock.now()) return entry?.payload;
    entries.delete(key);
    return undefined;
  };
  const makeRoom = () => {
    if (entries.size < maxEntries) return;
    for (const [key, entry] of entries) if (entry.expiresAt <= clock.now()) entries.delete(key);
    for (const key of entries.keys()) {
      if (entries.size < maxEntries) return;
      entries.delete(key); // a map iterates in the order of insertion
    }
  };
  const findBy = (kind: string, field: 'uid' | 'userCode', value: string): AdapterPayload | undefined => {
    for (const [key, entry] of entries) {
      if (key.startsWith(`${kind}:`) && entry.payload[field] === value) return read(key);
    }
    return undefined;
  };

  return (kind) => ({
    upsert: async (id, payload, expiresIn) => {
      makeRoom();
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : clock.now() + expiresIn * 1_000;
      entries.set(`${kind}:${id}`, { payload, expiresAt });
    },
    find: async (id) => read(`${kind}:${id}`),
    findByUid: async (uid) => findBy(kind, 'uid', uid),
    findByUserCode: async (userCode) => findBy(kind, 'userCode', userCode),
    consume: async (id) => {
      const payload = read(`${kind}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(clock.now() / 1_000);
    },
    destroy: async (id) => void entries.delete(`${kind}:${id}`),
    revokeByGrantId: async (grantId) => {
      // Only of this kind: a running sign-in has a grant too, and must survive when the person changes the account.
      for (const [key, entry] of entries) {
        if (key.startsWith(`${kind}:`) && entry.payload.grantId === grantId) entries.delete(key);
      }
    },
  });
}
