import { beforeEach, describe, expect, it } from 'vitest';

import { createShortcutReader, shortcuts, type Stroke } from './shortcuts.ts';

let now = 0;
let read: ReturnType<typeof createShortcutReader>;
const stroke = (key: string, held: Partial<Stroke> = {}): Stroke => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});
const press = (key: string, held: Partial<Stroke> = {}) => read(stroke(key, held), { singleKeys: true });

beforeEach(() => {
  now = 0;
  read = createShortcutReader({ now: () => now });
});

describe('shortcuts', () => {
  it.each([['ctrlKey'], ['metaKey']])('open the palette by K with %s', (held) => {
    expect(press('k', { [held]: true })).toBe('palette');
    expect(press('k')).toBeNull();
  });

  it('know pairs, in this order and within a second', () => {
    expect([press('g'), press('p')]).toEqual([null, 'go-projects']);
    expect([press('p'), press('g')]).toEqual([null, null]);
    expect(press('s')).toBe('go-settings');
    press('g');
    now += 1_001;
    expect(press('p')).toBeNull();
  });

  it('forget the first key of a pair when another comes between', () => {
    expect([press('g'), press('x'), press('p')]).toEqual([null, null, null]);
  });

  it('leave what the browser and the system do with modifiers alone', () => {
    expect(press('c', { ctrlKey: true })).toBeNull();
    expect(press('/', { altKey: true })).toBeNull();
  });

  it('can be switched off but for those with a modifier', () => {
    expect(read(stroke('c'), { singleKeys: false })).toBeNull();
    expect(read(stroke('k', { metaKey: true }), { singleKeys: false })).toBe('palette');
  });

  it('are each of another key', () => {
    const keys = shortcuts.map((shortcut) => shortcut.keys.join(' '));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
