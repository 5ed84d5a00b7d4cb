import { useState } from 'react';

/** Returns true from the first time that `value` is true. A lazily loaded dialog stays mounted while it closes. */
export function useOnceTrue(value: boolean): boolean {
  const [wasTrue, setWasTrue] = useState(value);
  if (value && !wasTrue) setWasTrue(true);
  return wasTrue || value;
}
