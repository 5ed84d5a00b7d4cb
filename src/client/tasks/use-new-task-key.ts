/** The key N creates a task where no text is typed and no dialog is open. */

import { useEffect, useEffectEvent } from 'react';

import { takesLetters } from '../palette/shortcuts.ts';
import { areSingleKeysOn } from '../palette/single-keys.ts';

export function useNewTaskKey(onPress: () => void): void {
  const press = useEffectEvent(onPress);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key.toLowerCase() !== 'n' || !areSingleKeysOn() || takesLetters(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      event.preventDefault();
      press();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}
