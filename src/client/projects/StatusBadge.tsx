/** The status of a project as label, colour and icon. Screen readers announce changes. A stale status loses its colour. */

import { VisuallyHidden } from '@mantine/core';
import {
  IconAlertTriangle,
  IconArchive,
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconHelpCircle,
  IconLoader2,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
  type TablerIcon,
} from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { useIsStale } from '../ui/use-connection.ts';
import { badgeOf, type BadgeIcon } from './badge.ts';

import classes from './status-badge.module.css';

const icons = {
  running: IconPlayerPlayFilled,
  queued: IconClock,
  working: IconLoader2,
  warning: IconAlertTriangle,
  failed: IconCircleX,
  completed: IconCircleCheck,
  stopped: IconPlayerStopFilled,
  deleted: IconArchive,
  unknown: IconHelpCircle,
} satisfies Record<BadgeIcon, TablerIcon>;

export function StatusBadge({ project }: { project: Pick<Project, 'name' | 'status' | 'phase' | 'reason'> }) {
  const stale = useIsStale();
  const { label, tone, icon } = badgeOf(project);
  const Icon = icons[icon];
  return (
    <span
      className={classes.root}
      data-tone={tone}
      data-status={project.status}
      data-stale={stale || undefined}
      aria-live="polite"
      aria-atomic="true"
    >
      <Icon
        size={13}
        stroke={2}
        aria-hidden="true"
        className={icon === 'working' && !stale ? classes.turning : undefined}
      />
      <VisuallyHidden>{project.name}: </VisuallyHidden>
      <span>{label}</span>
      {stale && <VisuallyHidden> (last known)</VisuallyHidden>}
    </span>
  );
}
