/** What administrators tell everybody, above each page. */

import { IconSpeakerphone } from '@tabler/icons-react';

import { trpc } from '../api/trpc.ts';

import classes from './admin.module.css';

const refreshMs = 300_000;

export function Announcement() {
  // Without an answer there is nothing to say: the page itself shows that the server does not answer.
  const { data } = trpc.admin.notice.useQuery(undefined, { refetchInterval: refreshMs, retry: false });
  if (!data || (data.announcement === null && !data.isDraining)) return null;
  const text = data.announcement ?? 'The administrators let no project start at the moment.';
  return (
    <output className={classes.announcement}>
      <IconSpeakerphone size={18} stroke={1.6} aria-hidden="true" />
      <p>{text}</p>
    </output>
  );
}
