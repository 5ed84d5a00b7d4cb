import type { Adapter, AdapterPayload } from 'oidc-provider';

const maxEntries = 10_000;

interface Entry {
  payload: AdapterPayload;
  /** In milliseconds since the epoch. */
  expiresAt: number;
}

/**
 * Where the issuer keeps sessions, sign-ins under way and codes: in memory, so that a restart signs everybody out of the
 * issuer (not of the application). The oldest entries go when there are too many.
 *
 * Returns the adapter factory of oidc-provider: one adapter a kind of object, all on one map.
 */
export function createIssuerStore(now: () => number): (kind: string) => Adapter {
  const entries = new Map<string, Entry>();

  const read = (key: string): AdapterPayload | undefined => {
    const entry = entries.get(key);
    if (entry === undefined || entry.expiresAt > now()) return entry?.payload;
    entries.delete(key);
    return undefined;
  };
  const makeRoom = () => {
    if (entries.size < maxEntries) return;
    for (const [key, entry] of entries) if (entry.expiresAt <= now()) entries.delete(key);
    for (const key of entries.keys()) {
      if (entries.size < maxEntries) return;
      entries.delete(key); // a map gives its oldest key first
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
      const expiresAt = expiresIn === undefined ? Number.POSITIVE_INFINITY : now() + expiresIn * 1_000;
      entries.set(`${kind}:${id}`, { payload, expiresAt });
    },
    find: async (id) => read(`${kind}:${id}`),
    findByUid: async (uid) => findBy(kind, 'uid', uid),
    findByUserCode: async (userCode) => findBy(kind, 'userCode', userCode),
    consume: async (id) => {
      const payload = read(`${kind}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(now() / 1_000);
    },
    destroy: async (id) => void entries.delete(`${kind}:${id}`),
    revokeByGrantId: async (grantId) => {
      // Of this kind alone: a sign-in under way names a grant too, and must outlive the person's change of account.
      for (const [key, entry] of entries) {
        if (key.startsWith(`${kind}:`) && entry.payload.grantId === grantId) entries.delete(key);
      }
    },
  });
}
