/** Follows the changes of folders and files on the volume. It begins again when the subscription has ended. */

import { useDebouncedValue } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';

import { maxWatchedPaths } from '../../shared/contract/file-limits.ts';
import type { FilesEvent } from '../../shared/contract/files.ts';
import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';

/** The live feed closes the socket after it has ended the subscriptions. One that starts meanwhile would be lost. */
const restartDelayMs = 500;
/** Several folders that are expanded one after the other are watched at once. */
const settleMs = 100;

interface FollowChangesProps {
  projectId: string;
  folders: readonly string[];
  files: readonly string[];
  onEvent: (event: FilesEvent) => void;
}

export function FollowChanges(props: FollowChangesProps) {
  const [ends, setEnds] = useState(0);
  // As text: another list with the same paths is the same subscription.
  const [watched] = useDebouncedValue(
    JSON.stringify({ folders: props.folders.slice(0, maxWatchedPaths), files: props.files.slice(0, maxWatchedPaths) }),
    settleMs,
    { leading: true },
  );
  const beginAgain = () => void window.setTimeout(() => setEnds((count) => count + 1), restartDelayMs);
  return <Subscription key={`${ends} ${watched}`} {...props} watched={watched} onEnded={beginAgain} />;
}

interface SubscriptionProps extends FollowChangesProps {
  watched: string;
  onEnded: () => void;
}

function Subscription({ projectId, watched, onEvent, onEnded }: SubscriptionProps) {
  const paths = JSON.parse(watched) as { folders: string[]; files: string[] }; // written above
  // Unsubscribing completes the subscription too. This effect comes first, so its clean-up runs before that.
  const isMounted = useRef(false);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  trpc.files.onChange.useSubscription(
    { id: projectId, ...paths },
    {
      onData: onEvent,
      onComplete: () => {
        if (isMounted.current) onEnded();
      },
      onError: (failure) => {
        const error = readError(failure);
        if (isTransient(error)) onEnded();
        else onEvent({ type: 'waiting', message: error.message });
      },
    },
  );
  return null;
}
