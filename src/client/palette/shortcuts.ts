/** The keyboard shortcuts: one table for the key listener and for the dialog that lists them. */

import type { Clock } from '../../shared/clock.ts';

export type ShortcutAction = 'palette' | 'help' | 'search' | 'new-project' | 'open' | 'go-projects' | 'go-settings';

interface Shortcut {
  action: ShortcutAction;
  /** One key, or two keys pressed one after the other. `mod` is Command on a Mac and Control elsewhere. */
  keys: readonly string[];
  label: string;
}

export const shortcuts: readonly Shortcut[] = [
  { action: 'palette', keys: ['mod+k'], label: 'Find a project or a command' },
  { action: 'search', keys: ['/'], label: 'Search the projects' },
  { action: 'new-project', keys: ['c'], label: 'Create a project' },
  { action: 'open', keys: ['o'], label: 'Open the project, or the card that has the focus' },
  { action: 'go-projects', keys: ['g', 'p'], label: 'Go to the projects' },
  { action: 'go-settings', keys: ['g', 's'], label: 'Go to the settings' },
  { action: 'help', keys: ['?'], label: 'Show this list' },
];

export type KeyStroke = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** The second key of a pair must follow within this time. */
const pairMs = 1_000;

/**
 * Returns a function that reads one key stroke after the other and returns the action of a complete shortcut. With
 * `singleKeys: false` only shortcuts with a modifier count.
 */
export function createShortcutReader({ clock }: { clock: Pick<Clock, 'monotonic'> }) {
  let first: { key: string; atMs: number } | null = null;
  return (stroke: KeyStroke, { singleKeys }: { singleKeys: boolean }): ShortcutAction | null => {
    const before = first !== null && clock.monotonic() - first.atMs <= pairMs ? first.key : null;
    first = null;
    if (stroke.altKey) return null;
    const key = stroke.key.length === 1 ? stroke.key.toLowerCase() : stroke.key;
    if (stroke.ctrlKey || stroke.metaKey) return actionOf([`mod+${key}`]);
    if (!singleKeys) return null;
    const pair = before === null ? null : actionOf([before, key]);
    if (pair !== null) return pair;
    if (shortcuts.some(({ keys }) => keys.length === 2 && keys[0] === key)) first = { key, atMs: clock.monotonic() };
    return actionOf([key]);
  };
}

function actionOf(keys: string[]): ShortcutAction | null {
  const match = shortcuts.find((shortcut) => shortcut.keys.join(' ') === keys.join(' '));
  return match?.action ?? null;
}

/** Whether the target uses letters itself: text fields, and menus and dialogs that can be operated by letters. */
export function takesLetters(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="dialog"]') !== null
  );
}
