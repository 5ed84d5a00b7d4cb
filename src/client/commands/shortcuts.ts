/** The keys of the application: one table for the listener and for the sheet that explains them. */

export type ShortcutAction = 'palette' | 'help' | 'search' | 'new-project' | 'go-projects' | 'go-settings';

export interface Shortcut {
  action: ShortcutAction;
  /** Pressed one after the other; `mod` is Command on a Mac and Control elsewhere, held. */
  keys: readonly string[];
  does: string;
}

export const shortcuts: readonly Shortcut[] = [
  { action: 'palette', keys: ['mod+k'], does: 'Find a project or a command' },
  { action: 'search', keys: ['/'], does: 'Search the projects' },
  { action: 'new-project', keys: ['c'], does: 'Create a project' },
  { action: 'go-projects', keys: ['g', 'p'], does: 'Go to the projects' },
  { action: 'go-settings', keys: ['g', 's'], does: 'Go to the settings' },
  { action: 'help', keys: ['?'], does: 'Show this list' },
];

/** What of a keyboard event counts. */
export interface Stroke {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** How long the second key of a pair may take. */
const pairMs = 1_000;

/** Recognises shortcuts in a row of strokes. `singleKeys`: those without a modifier count too. */
export function createShortcutReader({ now }: { now: () => number }) {
  let first: { key: string; atMs: number } | null = null;
  return (stroke: Stroke, { singleKeys }: { singleKeys: boolean }): ShortcutAction | null => {
    const before = first !== null && now() - first.atMs <= pairMs ? first.key : null;
    first = null;
    if (stroke.altKey) return null;
    const key = stroke.key.length === 1 ? stroke.key.toLowerCase() : stroke.key;
    if (stroke.ctrlKey || stroke.metaKey) return shortcutOf([`mod+${key}`]);
    if (!singleKeys) return null;
    const pair = before === null ? null : shortcutOf([before, key]);
    if (pair !== null) return pair;
    if (shortcuts.some(({ keys }) => keys.length === 2 && keys[0] === key)) first = { key, atMs: now() };
    return shortcutOf([key]);
  };
}

function shortcutOf(keys: string[]): ShortcutAction | null {
  const found = shortcuts.find((shortcut) => shortcut.keys.join(' ') === keys.join(' '));
  return found?.action ?? null;
}

/** Where somebody types, or moves in a menu, a letter is a letter. */
export function takesLetters(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="dialog"]') !== null
  );
}
