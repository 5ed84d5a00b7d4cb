import { describe, expect, it } from 'vitest';

import type { KubeObject } from './kube-object.ts';
import { createStore, type Change } from './store.ts';

const object = (name: string, step = 0): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'n', uid: name, resourceVersion: '', creationTimestamp: '2026-01-01T00:00:00Z' },
  step,
});
const steps = (objects: KubeObject[] | 'forgotten') =>
  objects === 'forgotten' ? objects : objects.map((item) => `${item.metadata.name}${JSON.stringify(item['step'])}`);

describe('the store', () => {
  it('lists the objects of every past revision that it still knows', () => {
    const store = createStore();
    const expected = new Map<number, unknown>();
    const remember = (): unknown => expected.set(store.revision(), steps(store.list('pods')));
    remember();
    store.put('pods', object('b'));
    remember();
    store.put('pods', object('a'));
    store.put('claims', object('c'));
    remember();
    store.put('pods', object('b', 1));
    remember();
    store.remove('pods', store.get('pods', 'n', 'a') ?? object('a'));
    remember();
    for (const [revision, objects] of expected) expect(steps(store.listAt('pods', revision))).toEqual(objects);
  });

  it('answers “forgotten” for the oldest changes instead of leaving some out', () => {
    const store = createStore({ historyLimit: 10 });
    const first = store.revision();
    for (let step = 0; step < 100; step += 1) store.put('pods', object('a', step));
    expect(store.changesSince('pods', first)).toBe('forgotten');
    expect(store.listAt('pods', first)).toBe('forgotten');
    const last = store.changesSince('pods', store.revision() - 5);
    expect(last === 'forgotten' ? last : last.map((change) => change.object['step'])).toEqual([95, 96, 97, 98, 99]);
  });

  it('answers “forgotten” for a revision of the future', () => {
    const store = createStore();
    expect(store.changesSince('pods', store.revision() + 1)).toBe('forgotten');
    expect(store.changesSince('pods', store.revision())).toEqual([]);
  });

  it('persists a change before it calls subscribers', () => {
    const order: string[] = [];
    const store = createStore({ persist: (change: Change) => order.push(`persisted ${change.revision}`) });
    store.subscribe((change) => order.push(`published ${change.revision}`));
    store.put('pods', object('a'));
    expect(order).toEqual(['persisted 2', 'published 2']);
  });

  it('does not apply a change that cannot be persisted', () => {
    let isFull = false;
    const store = createStore({
      persist: () => {
        if (isFull) throw new Error('the disk is full');
      },
    });
    const kept = store.put('pods', object('a'));
    const before = store.revision();
    isFull = true;
    expect(() => store.put('pods', object('a', 1))).toThrow('the disk is full');
    expect(() => store.remove('pods', kept)).toThrow('the disk is full');
    expect(store.revision()).toBe(before);
    expect(store.list('pods')).toEqual([kept]);
    expect(store.changesSince('pods', before)).toEqual([]);
  });
});
