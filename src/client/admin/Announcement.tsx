/** What administrators tell everybody, above each page. It is loaded only when there is something to say. */

import { IconSpeakerphone } from '@tabler/icons-react';

import type { Notice } from '../../shared/contract/admin.ts';

import classes from './admin.module.css';

export function Announcement({ notice: { announcement } }: { notice: Notice }) {
  return (
    <output className={classes.announcement}>
      <IconSpeakerphone size={18} stroke={1.6} aria-hidden="true" />
      <p>{announcement ?? 'The administrators let no project start at the moment.'}</p>
    </output>
  );
}
