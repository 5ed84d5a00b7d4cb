import { beforeEach, describe, expect, it } from 'vitest';

import { createTestClock } from '../../../tests/support/test-clock.ts';
import { createShortcutReader, shortcuts, type KeyStroke } from './shortcuts.ts';

let clock: ReturnType<typeof createTestClock>;
let read: ReturnType<typeof createShortcutReader>;
const stroke = (key: string, held: Partial<KeyStroke> = {}): KeyStroke => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...held,
});
const press = (key: string, held: Partial<KeyStroke> = {}) => read(stroke(key, held), { singleKeys: true });

beforeEach(() => {
  clock = createTestClock();
  read = createShortcutReader({ clock });
});

describe('a shortcut reader', () => {
  it.each([['ctrlKey'], ['metaKey']])('opens the palette for K with %s held', (held) => {
    expect(press('k', { [held]: true })).toBe('palette');
    expect(press('k')).toBeNull();
  });

  it('recognises two keys in their order when the second follows within a second', () => {
    expect([press('g'), press('p')]).toEqual([null, 'go-projects']);
    expect([press('p'), press('g')]).toEqual([null, null]);
    expect(press('s')).toBe('go-settings');
    press('g');
    clock.advance(1_001);
    expect(press('p')).toBeNull();
  });

  it('forgets the first key of a pair when another key follows', () => {
    expect([press('g'), press('x'), press('p')]).toEqual([null, null, null]);
  });

  it('ignores keys that the browser or the system uses with a modifier', () => {
    expect(press('c', { ctrlKey: true })).toBeNull();
    expect(press('/', { altKey: true })).toBeNull();
  });

  it('reads only shortcuts with a modifier when single keys are off', () => {
    expect(read(stroke('c'), { singleKeys: false })).toBeNull();
    expect(read(stroke('k', { metaKey: true }), { singleKeys: false })).toBe('palette');
  });
});

describe('the table of shortcuts', () => {
  it('assigns each combination of keys once', () => {
    const keys = shortcuts.map((shortcut) => shortcut.keys.join(' '));
    expect(new Set(keys).size).toBe(keys.length);
  });
});
