/** Says that something could not be loaded, and why. Its button tries again. */

import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';

import { readError } from '../api/read-error.ts';
import { Message } from './Message.tsx';

interface LoadFailureProps {
  /** What could not be loaded, as the start of the title: "Your projects". */
  what: string;
  error: unknown;
  retrying: boolean;
  onRetry: () => void;
  order?: 1 | 2;
}

export function LoadFailure({ what, error, retrying, onRetry, order = 2 }: LoadFailureProps) {
  return (
    <Message
      role="alert"
      order={order}
      icon={<IconPlugConnectedX size={22} stroke={1.6} />}
      title={`${what} could not be loaded`}
      actions={
        <Button variant="default" onClick={onRetry} loading={retrying}>
          Try again
        </Button>
      }
    >
      {readError(error).message}
    </Message>
  );
}
