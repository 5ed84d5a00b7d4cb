/** The state of a run, with text and icon. A stale state loses its colour. */

import { VisuallyHidden } from '@mantine/core';
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
import { useIsStale } from '../ui/use-connection.ts';
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
  const isStale = useIsStale();
  const Icon = icons[icon];
  const isTurning = icon === 'working' && !isStale;
  return (
    <span className={classes.root} data-tone={tone} data-stale={isStale || undefined}>
      <Icon size={13} stroke={2} aria-hidden="true" className={isTurning ? classes.turning : undefined} />
      {label}
      {isStale && <VisuallyHidden> (last known)</VisuallyHidden>}
    </span>
  );
}
