/**
 * The keys of the Files tab: P where no text is typed, and Control or Command with P, open a file by its name. Control or
 * Command with S saves the shown file, wherever the focus is.
 */

import { useEffect, useEffectEvent } from 'react';

import { takesLetters } from '../palette/shortcuts.ts';
import { areSingleKeysOn } from '../palette/single-keys.ts';

interface FilesKeys {
  onQuickOpen: () => void;
  onSave: () => void;
}

export function useFilesKeys(keys: FilesKeys): void {
  const act = useEffectEvent((action: 'quick-open' | 'save') => {
    if (action === 'save') keys.onSave();
    else keys.onQuickOpen();
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const action = actionOf(event);
      if (action === null) return;
      event.preventDefault();
      act(action);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}

function actionOf(event: KeyboardEvent): 'quick-open' | 'save' | null {
  // The editor has handled the key, or "g p" goes to the projects: the listener of all pages prevents the default then.
  if (event.defaultPrevented || event.isComposing || event.altKey || event.shiftKey) return null;
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) return key === 'p' ? 'quick-open' : key === 's' ? 'save' : null;
  const isFree = areSingleKeysOn() && !takesLetters(event.target) && document.querySelector('[role="dialog"]') === null;
  return key === 'p' && isFree ? 'quick-open' : null;
}
