import { useState } from 'react';

/** Stays true from the first time on: a dialog is loaded when it is first needed, and then kept for its way out. */
export function useOnceTrue(now: boolean): boolean {
  const [once, setOnce] = useState(now);
  if (now && !once) setOnce(true);
  return once || now;
}
