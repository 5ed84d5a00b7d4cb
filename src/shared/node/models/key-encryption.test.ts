import { describe, expect, it } from 'vitest';

import { createKeyEncryption } from './key-encryption.ts';

const [oldSecret, newSecret] = ['o'.repeat(32), 'n'.repeat(32)];
const place = { userId: 'one', provider: 'anthropic' };
const key = 'sk-ant-a-key-of-a-person';
const before = createKeyEncryption({ secret: oldSecret, previousSecret: null });
const rotated = createKeyEncryption({ secret: newSecret, previousSecret: oldSecret });
const afterwards = createKeyEncryption({ secret: newSecret, previousSecret: null });

describe('the encryption of model keys', () => {
  it('gives the key back for its person and provider alone, and shows nothing of it', async () => {
    const encrypted = await before.encrypt(key, place);
    expect(encrypted).not.toContain(key);
    expect(Buffer.from(encrypted, 'base64url').toString('latin1')).not.toContain(key);
    expect(await before.decrypt(encrypted, place)).toEqual({ key, isOutdated: false });
    expect(await before.decrypt(encrypted, { ...place, userId: 'two' })).toBeNull();
    expect(await before.decrypt(encrypted, { ...place, provider: 'openai' })).toBeNull();
    expect(await before.encrypt(key, place)).not.toBe(encrypted);
  });

  it('reads keys of the previous secret, and says that they should be encrypted again', async () => {
    const encrypted = await before.encrypt(key, place);
    expect(await rotated.decrypt(encrypted, place)).toEqual({ key, isOutdated: true });
    expect(await afterwards.decrypt(encrypted, place)).toBeNull();
    expect([rotated, afterwards].map((each) => each.isReadable(encrypted))).toEqual([true, false]);
    const renewed = await rotated.encrypt(key, place);
    expect(await afterwards.decrypt(renewed, place)).toEqual({ key, isOutdated: false });
  });

  it('refuses what was changed, and what is no encrypted key', async () => {
    const encrypted = await before.encrypt(key, place);
    const [header = '', ...rest] = encrypted.split('.');
    const forged = Buffer.from(
      JSON.stringify({ ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object), sub: 'two' }),
    ).toString('base64url');
    expect(await before.decrypt([forged, ...rest].join('.'), { ...place, userId: 'two' })).toBeNull();
    for (const text of ['', 'x', 'a.b.c.d.e', encrypted.slice(0, -3)]) {
      expect(await before.decrypt(text, place)).toBeNull();
    }
  });
});
