/** The activity of a project: who did what and what happened, newest first. `project-cache.ts` invalidates it on changes. */

import { Button, Skeleton } from '@mantine/core';
import {
  IconAlertTriangle,
  IconArchive,
  IconArrowBackUp,
  IconPencil,
  IconPlayerPlay,
  IconPlayerStop,
  IconPlus,
  IconPointFilled,
  IconRefresh,
  IconRotateClockwise,
  IconTool,
  IconTrash,
  IconUserMinus,
  IconUserPlus,
  type TablerIcon,
} from '@tabler/icons-react';

import type { ActivityEntry, ActivityKind } from '../../shared/contract/activity.ts';
import { reasonFacts } from '../../shared/contract/reasons.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { Panel } from '../ui/Panel.tsx';
import { Time } from '../ui/Time.tsx';

import classes from './activity-timeline.module.css';

const icons = {
  created: IconPlus,
  updated: IconPencil,
  'start-requested': IconPlayerPlay,
  'stop-requested': IconPlayerStop,
  'restart-requested': IconRotateClockwise,
  'retry-requested': IconRefresh,
  'trash-requested': IconTrash,
  'restore-requested': IconArrowBackUp,
  'delete-requested': IconTrash,
  shared: IconUserPlus,
  unshared: IconUserMinus,
  'job-failed': IconAlertTriangle,
  'status-changed': IconPointFilled,
  corrected: IconTool,
  archived: IconArchive,
} satisfies Record<ActivityKind, TablerIcon>;

export function ActivityTimeline({ projectId }: { projectId: string }) {
  const activity = trpc.projects.activity.useInfiniteQuery(
    { id: projectId },
    { getNextPageParam: (page) => page.nextCursor },
  );
  const entries = activity.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel title="Activity">
      {activity.isPending && <LoadingEntries />}
      {activity.isError && (
        <p className={classes.note} role="alert">
          {readError(activity.error).message}{' '}
          <Button variant="default" size="compact-xs" onClick={() => void activity.refetch()}>
            Try again
          </Button>
        </p>
      )}
      {activity.isSuccess && entries.length === 0 && <p className={classes.note}>Nothing has happened yet.</p>}
      {entries.length > 0 && (
        <ol className={classes.list}>
          {entries.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ol>
      )}
      {activity.hasNextPage && (
        <div className={classes.more}>
          <Button
            variant="default"
            size="xs"
            loading={activity.isFetchingNextPage}
            onClick={() => void activity.fetchNextPage()}
          >
            Show earlier
          </Button>
        </div>
      )}
    </Panel>
  );
}

function Entry({ entry }: { entry: ActivityEntry }) {
  const Icon = icons[entry.kind];
  return (
    <li className={classes.entry}>
      <span className={classes.icon} data-kind={entry.kind}>
        <Icon size={13} stroke={1.8} aria-hidden="true" />
      </span>
      <div className={classes.text}>
        <span>{entry.message}</span>
        <span className={classes.who}>
          {entry.actor !== null && `${entry.actor} · `}
          {entry.reason !== null && `${reasonFacts[entry.reason].title} · `}
          <Time iso={entry.at} />
        </span>
      </div>
    </li>
  );
}

function LoadingEntries() {
  return (
    <output className={classes.loading} aria-label="Loading the activity">
      <Skeleton height={12} width="60%" />
      <Skeleton height={12} width="45%" />
      <Skeleton height={12} width="52%" />
    </output>
  );
}
