import { describe, expect, it } from 'vitest';

import { createAccessKeys } from './credentials.ts';

const [oldSecret, newSecret] = ['a'.repeat(32), 'b'.repeat(32)];
const before = createAccessKeys({ secret: oldSecret, previousSecret: null });
const rotated = createAccessKeys({ secret: newSecret, previousSecret: oldSecret });

describe('derived credentials', () => {
  it('differ by project, by purpose and by key, and are always the same for the same three', () => {
    const all = ['one', 'two'].flatMap((id) =>
      (['opencode', 'sidecar', 'models'] as const).flatMap((purpose) =>
        [before, rotated].map((keys) => keys.credential(purpose, { id, keyId: keys.currentKeyId })),
      ),
    );
    expect(new Set(all).size).toBe(12);
    for (const credential of all) expect(credential).toMatch(/^[\w-]{43}$/);
    const again = createAccessKeys({ secret: oldSecret, previousSecret: null });
    expect(again.credential('sidecar', { id: 'one', keyId: again.currentKeyId })).toBe(
      before.credential('sidecar', { id: 'one', keyId: before.currentKeyId }),
    );
  });

  it('of a pod that was created before a rotation stay valid while the previous secret is configured', () => {
    const pod = { id: 'one', keyId: before.currentKeyId };
    expect(rotated.credential('sidecar', pod)).toBe(before.credential('sidecar', pod));
    const afterwards = createAccessKeys({ secret: newSecret, previousSecret: null });
    expect(afterwards.credential('sidecar', pod)).toBeNull();
  });
});
