/** The state of a run, with text and icon. */

import {
  IconAlertTriangle,
  IconCheck,
  IconClock,
  IconLoader2,
  IconMessageQuestion,
  IconPlayerStop,
  type TablerIcon,
} from '@tabler/icons-react';

import type { Run } from '../../shared/contract/tasks.ts';
import { badgeOfRun, type RunBadge } from './task-list.ts';

import classes from '../projects/status-badge.module.css';

const icons = {
  queued: IconClock,
  working: IconLoader2,
  asks: IconMessageQuestion,
  done: IconCheck,
  failed: IconAlertTriangle,
  aborted: IconPlayerStop,
} satisfies Record<RunBadge['icon'], TablerIcon>;

export function RunStateBadge({ run }: { run: Pick<Run, 'state'> }) {
  const { label, tone, icon } = badgeOfRun(run);
  const Icon = icons[icon];
  return (
    <span className={classes.root} data-tone={tone}>
      <Icon size={13} stroke={2} aria-hidden="true" className={icon === 'working' ? classes.turning : undefined} />
      {label}
    </span>
  );
}
