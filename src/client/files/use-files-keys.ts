/** The keys of the Files tab that open a file by its name: P where no text is typed, and Control or Command with P. */

import { useEffect, useEffectEvent } from 'react';

import { takesLetters } from '../palette/shortcuts.ts';
import { areSingleKeysOn } from '../palette/single-keys.ts';

export function useFilesKeys(onQuickOpen: () => void): void {
  const open = useEffectEvent(onQuickOpen);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      // "g p" goes to the projects: the listener of all pages has prevented its default then.
      if (event.defaultPrevented || event.isComposing || event.altKey || event.key.toLowerCase() !== 'p') return;
      const hasModifier = event.ctrlKey || event.metaKey;
      if (hasModifier && event.shiftKey) return;
      if (document.querySelector('[role="dialog"]') !== null && !hasModifier) return;
      if (!hasModifier && (!areSingleKeysOn() || takesLetters(event.target))) return;
      event.preventDefault();
      open();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
