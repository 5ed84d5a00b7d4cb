import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createObjectCache, type CachedObject } from './object-cache.ts';

type Thing = CachedObject & { metadata: { state?: string } };

const thing = (resourceVersion: string | number, { uid = 'a', name = 'pod' } = {}): Thing => ({
  metadata: { name, uid, resourceVersion: String(resourceVersion) },
});
const versionOf = (cache: ReturnType<typeof createObjectCache<Thing>>, name = 'pod') =>
  cache.named(name)?.metadata.resourceVersion ?? null;

describe('createObjectCache', () => {
  it('is synced after the first list, and then has the objects of that list', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('ADDED', thing(3));
    expect(cache.synced).toBe(false);
    cache.replace([thing(5, { name: 'other' })]);
    expect(cache.synced).toBe(true);
    expect(cache.objects()).toEqual([thing(5, { name: 'other' })]);
  });

  it('ignores an event that it has received before', () => {
    const cache = createObjectCache<Thing>();
    expect(cache.apply('ADDED', thing(3))).toBe(true);
    expect(cache.apply('ADDED', thing(3))).toBe(false);
  });

  it('ignores an older version of an object', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('MODIFIED', thing(10));
    expect(cache.apply('MODIFIED', thing(9))).toBe(false);
    expect(versionOf(cache)).toBe('10');
  });

  it('compares versions as numbers of any size', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('MODIFIED', thing('9007199254740993'));
    expect(cache.apply('MODIFIED', thing('9007199254740992'))).toBe(false);
    expect(cache.apply('MODIFIED', thing('10000000000000000'))).toBe(true);
  });

  it('does not restore a deleted object because of an older event', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('ADDED', thing(3));
    cache.apply('DELETED', thing(6));
    expect(cache.apply('MODIFIED', thing(5))).toBe(false);
    expect(cache.named('pod')).toBeNull();
    expect(cache.objects()).toEqual([]);
    expect(cache.apply('ADDED', thing(7, { uid: 'b' }))).toBe(true);
    expect(versionOf(cache)).toBe('7');
  });

  it('keeps the current object when its predecessor of the same name is deleted', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('ADDED', thing(8, { uid: 'b' }));
    expect(cache.apply('DELETED', thing(9, { uid: 'a' }))).toBe(false);
    expect(versionOf(cache)).toBe('8');
  });

  it('accepts every event of an API whose versions are not numbers', () => {
    const cache = createObjectCache<Thing>();
    cache.apply('ADDED', thing('b'));
    expect(cache.apply('MODIFIED', thing('a'))).toBe(true);
  });

  it('ends with the newest state of an object, in whatever order and however often its events come', () => {
    const life = [
      ['ADDED', thing(1)],
      ['MODIFIED', thing(2)],
      ['DELETED', thing(3)],
      ['ADDED', thing(4, { uid: 'b' })],
      ['MODIFIED', thing(5, { uid: 'b' })],
    ] as const;
    const anyOrder = fc.tuple(
      fc.shuffledSubarray([...life], { minLength: life.length }),
      fc.array(fc.constantFrom(...life)),
    );
    fc.assert(
      fc.property(anyOrder, ([all, more]) => {
        const cache = createObjectCache<Thing>();
        for (const [type, object] of [...all, ...more]) cache.apply(type, object);
        expect(versionOf(cache)).toBe('5');
      }),
    );
  });
});
