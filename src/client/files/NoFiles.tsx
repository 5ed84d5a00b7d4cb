/** In place of the files where there never will be any: trying again does not help. */

import { IconFolderOff } from '@tabler/icons-react';

import { readError } from '../api/read-error.ts';
import { Message } from '../ui/Message.tsx';

/** Whether the server says that this project has no files. */
export const hasNoFiles = (error: unknown): boolean => readError(error).code === 'UNSUPPORTED';

export function NoFiles({ error }: { error: unknown }) {
  return (
    <Message icon={<IconFolderOff size={22} stroke={1.6} />} title="There are no files here">
      {readError(error).message}
    </Message>
  );
}
