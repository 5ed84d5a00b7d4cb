/** Hints about keys, for devices that have a keyboard. */

import { useMediaQuery } from '@mantine/hooks';

/** @returns the hint; `undefined` on a touch device */
export function useKeyHint(hint: string): string | undefined {
  const isTouch = useMediaQuery('(pointer: coarse)', undefined, { getInitialValueInEffect: false });
  return isTouch ? undefined : hint;
}
