import { describe, expect, it } from 'vitest';

import { createTestClock } from '../../../../tests/support/test-clock.ts';
import { createEventCache } from './event-cache.ts';

const event = (name: string, { version = 1, uid = 'pod-1', text = '' } = {}) => ({
  metadata: { name, resourceVersion: String(version) },
  involvedObject: { uid, name: 'project-1' },
  text,
});

function setUp() {
  const clock = createTestClock();
  const cache = createEventCache<ReturnType<typeof event>>({ clock });
  const names = (uid = 'pod-1') => cache.about({ uid, name: 'project-1' }).map(({ metadata }) => metadata.name);
  return { clock, cache, names };
}

describe('createEventCache', () => {
  it('keeps an event until its object appears, and does not return it for another object of the same name', () => {
    const { cache, names } = setUp();
    expect(cache.add(event('early', { uid: 'to-come' }))).toBe(true);
    expect(names('to-come')).toEqual(['early']);
    expect(names('pod-1')).toEqual([]);
  });

  it('keeps the newest version of an event and ignores older versions', () => {
    const { cache } = setUp();
    cache.add(event('failed', { version: 9, text: 'three times' }));
    expect(cache.add(event('failed', { version: 10, text: 'four times' }))).toBe(true);
    expect(cache.add(event('failed', { version: 9, text: 'three times' }))).toBe(false);
    expect(cache.add(event('failed', { version: 10, text: 'four times' }))).toBe(false);
    expect(cache.about({ uid: 'pod-1', name: 'project-1' }).map(({ text }) => text)).toEqual(['four times']);
  });

  it('keeps the twenty most recently received events of each object', () => {
    const { cache, names } = setUp();
    cache.add(event('other', { uid: 'pod-2' }));
    for (let number = 1; number <= 20; number++) cache.add(event(`event-${number}`, { version: number }));
    cache.add(event('event-1', { version: 30 })); // received again, so it is not the oldest any more
    cache.add(event('event-21', { version: 31 }));
    expect(names()).toHaveLength(20);
    expect(names()).not.toContain('event-2');
    expect(names().slice(-2)).toEqual(['event-1', 'event-21']);
    expect(names('pod-2')).toEqual(['other']);
  });

  it('adds the events of a list in the order of their versions, and keeps those that the list lacks', () => {
    const { cache, names } = setUp();
    cache.add(event('missing', { version: 3 }));
    cache.merge([event('second', { version: 10 }), event('first', { version: 2 })]);
    expect(names()).toEqual(['first', 'missing', 'second']);
  });

  it('takes the version of a list even if it is older, as after a restore of the cluster', () => {
    const { cache } = setUp();
    cache.add(event('failed', { version: 900, text: 'three times' }));
    cache.merge([event('failed', { version: 5, text: 'once' })]);
    expect(cache.about({ uid: 'pod-1', name: 'project-1' }).map(({ text }) => text)).toEqual(['once']);
  });

  it('drops an event an hour after its last change, as the cluster does, even when each list contains it', () => {
    const { clock, cache, names } = setUp();
    const first = event('first');
    cache.add(first);
    clock.advance(3_599_000);
    cache.add(event('second', { version: 2 }));
    cache.merge([first]);
    cache.prune(() => true);
    expect(names()).toEqual(['first', 'second']);
    clock.advance(2_000);
    cache.prune(() => true);
    expect(names()).toEqual(['second']);
  });

  it('returns events that name their object without its uid', () => {
    const { cache, names } = setUp();
    cache.add(event('marked for deletion', { uid: '' }));
    cache.add(event('killing', { version: 2 }));
    expect(names()).toEqual(['killing', 'marked for deletion']);
  });

  it('drops the events about an unknown object when none was received for a minute', () => {
    const { clock, cache, names } = setUp();
    cache.add(event('of a pod', { uid: 'there' }));
    cache.add(event('too late'));
    clock.advance(60_000);
    cache.prune(({ uid }) => uid === 'there');
    expect(names()).toEqual(['too late']);
    clock.advance(1);
    cache.prune(({ uid }) => uid === 'there');
    expect(names()).toEqual([]);
    expect(names('there')).toEqual(['of a pod']);
  });
});
