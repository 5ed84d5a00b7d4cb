import { describe, expect, it } from 'vitest';

import { createEventCache } from './event-cache.ts';

const event = (name: string, { version = 1, uid = 'pod-1', text = '' } = {}) => ({
  metadata: { name, resourceVersion: String(version) },
  involvedObject: { uid, name: 'project-1' },
  text,
});

function setUp() {
  const clock = { ms: 0 };
  const memory = createEventCache<ReturnType<typeof event>>({ now: () => clock.ms });
  const names = (uid = 'pod-1') => memory.about({ uid, name: 'project-1' }).map(({ metadata }) => metadata.name);
  return { clock, memory, names };
}

describe('the memory of events', () => {
  it('waits with an event for the object that it is about, and tells nothing of it to another of the same name', () => {
    const { memory, names } = setUp();
    expect(memory.add(event('early', { uid: 'to-come' }))).toBe(true);
    expect(names('to-come')).toEqual(['early']);
    expect(names('pod-1')).toEqual([]);
  });

  it('holds the last state of an event that is counted up, and believes no earlier one', () => {
    const { memory } = setUp();
    memory.add(event('failed', { version: 9, text: 'three times' }));
    expect(memory.add(event('failed', { version: 10, text: 'four times' }))).toBe(true);
    expect(memory.add(event('failed', { version: 9, text: 'three times' }))).toBe(false);
    expect(memory.add(event('failed', { version: 10, text: 'four times' }))).toBe(false);
    expect(memory.about({ uid: 'pod-1', name: 'project-1' }).map(({ text }) => text)).toEqual(['four times']);
  });

  it('keeps the twenty of each object that were heard last', () => {
    const { memory, names } = setUp();
    memory.add(event('other', { uid: 'pod-2' }));
    for (let number = 1; number <= 20; number++) memory.add(event(`event-${number}`, { version: number }));
    memory.add(event('event-1', { version: 30 })); // heard again, so it is not the oldest any more
    memory.add(event('event-21', { version: 31 }));
    expect(names()).toHaveLength(20);
    expect(names()).not.toContain('event-2');
    expect(names().slice(-2)).toEqual(['event-1', 'event-21']);
    expect(names('pod-2')).toEqual(['other']);
  });

  it('takes a list for all that there is, in the order of its versions', () => {
    const { memory, names } = setUp();
    memory.add(event('expired', { version: 3 }));
    memory.replace([event('second', { version: 10 }), event('first', { version: 9 })]);
    expect(names()).toEqual(['first', 'second']);
  });

  it('tells what was said of the name alone, too', () => {
    const { memory, names } = setUp();
    memory.add(event('marked for deletion', { uid: '' }));
    memory.add(event('killing', { version: 2 }));
    expect(names()).toEqual(['killing', 'marked for deletion']);
  });

  it('forgets what is about no object of ours when nothing was heard of it for a minute', () => {
    const { clock, memory, names } = setUp();
    memory.add(event('of a pod', { uid: 'there' }));
    memory.add(event('too late'));
    clock.ms = 60_000;
    memory.prune(({ uid }) => uid === 'there');
    expect(names()).toEqual(['too late']);
    clock.ms = 60_001;
    memory.prune(({ uid }) => uid === 'there');
    expect(names()).toEqual([]);
    expect(names('there')).toEqual(['of a pod']);
  });
});
