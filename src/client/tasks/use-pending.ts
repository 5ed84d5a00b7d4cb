/** Whether a command waits for its answer, for buttons. */

import { useState } from 'react';

/** Returns the command, and whether calls of it by this component are under way. */
export function usePending<Input extends unknown[], Answer>(
  command: (...input: Input) => Promise<Answer>,
): [(...input: Input) => Promise<Answer>, boolean] {
  const [calls, setCalls] = useState(0);
  const call = async (...input: Input): Promise<Answer> => {
    setCalls((before) => before + 1);
    try {
      return await command(...input);
    } finally {
      setCalls((before) => before - 1);
    }
  };
  return [call, calls > 0];
}
