/** The conversation of a run: live while it runs, and as it was stored afterwards. */

import { useReducer, useRef, useState } from 'react';

import { applyOutput } from '../../shared/contract/apply-output.ts';
import type { RunOutputEvent, TranscriptMessage } from '../../shared/contract/tasks.ts';
import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';

const restartDelayMs = 500;

export interface Conversation {
  messages: readonly TranscriptMessage[];
  isTruncated: boolean;
  isLoaded: boolean;
  hasEnded: boolean;
}

const nothing: Conversation = { messages: [], isTruncated: false, isLoaded: false, hasEnded: false };

export function withOutput(conversation: Conversation, event: RunOutputEvent): Conversation {
  const messages = applyOutput(conversation.messages, event);
  switch (event.type) {
    case 'snapshot':
      return { messages, isTruncated: event.truncated, isLoaded: true, hasEnded: false };
    case 'ended':
      return { ...conversation, hasEnded: true };
    default:
      return { ...conversation, messages };
  }
}

/** The component that uses it is mounted with the id of the run as its key. */
export function useRunOutput(runId: string): Conversation & { error: unknown; retry: () => void } {
  const [conversation, receive] = useReducer(withOutput, nothing);
  const [isWaiting, setIsWaiting] = useState(false);
  const hasEnded = useRef(false);
  // As for logs: a subscription that starts while the socket closes would be lost.
  const retry = (): void => {
    setIsWaiting(true);
    window.setTimeout(() => setIsWaiting(false), restartDelayMs);
  };
  const { error } = trpc.runs.onOutput.useSubscription(
    { runId },
    {
      enabled: !isWaiting,
      onData: (event) => {
        hasEnded.current = event.type === 'ended';
        receive(event);
      },
      onComplete: () => {
        if (!hasEnded.current) retry();
      },
      onError: (failure) => {
        if (isTransient(readError(failure))) retry();
      },
    },
  );
  const isLost = error !== null && !isTransient(readError(error));
  return { ...conversation, error: isLost ? error : null, retry };
}
