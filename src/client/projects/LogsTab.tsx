/** The logs tab of a project: the live log of one container, or the log of its previous run. */

import { NativeSelect, Switch } from '@mantine/core';
import { useReducer, useState } from 'react';
import { useSearchParams } from 'react-router';

import type { LogContainer } from '../../shared/contract/pod-logs.ts';
import type { Project } from '../../shared/contract/project.ts';
import { isTransient, readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { useConnection } from '../ui/use-connection.ts';
import { emptyLog, withEvent } from './log-buffer.ts';
import { asLogContainer, hasPreviousRun, logContainersOf } from './log-containers.ts';
import { LogPanel } from './LogPanel.tsx';

import classes from './logs-tab.module.css';

export function LogsTab({ project }: { project: Project }) {
  const [params, setParams] = useSearchParams();
  const container = asLogContainer(params.get('container') ?? '') ?? 'opencode-server';
  const containers = logContainersOf(project);
  const canShowPrevious = hasPreviousRun(project, container);
  const showsPrevious = params.has('previous') && canShowPrevious;
  const show = (shown: LogContainer, previous: boolean): void =>
    setParams({ container: shown, ...(previous ? { previous: '' } : {}) }, { replace: true });
  return (
    <section aria-label="Logs">
      <div className={classes.toolbar}>
        <NativeSelect
          className={classes.select}
          aria-label="Container"
          value={container}
          onChange={(event) => show(asLogContainer(event.currentTarget.value) ?? container, false)}
          // The address may name a container that this project no longer has.
          data={containers.includes(container) ? containers : [...containers, container]}
        />
        <Switch
          label="Previous run"
          description={canShowPrevious ? undefined : 'The container has not restarted.'}
          disabled={!canShowPrevious}
          checked={showsPrevious}
          onChange={(event) => show(container, event.currentTarget.checked)}
        />
      </div>
      {showsPrevious ? (
        <PreviousLog key={container} projectId={project.id} container={container} />
      ) : (
        <FollowedLog key={container} projectId={project.id} container={container} />
      )}
    </section>
  );
}

const restartDelayMs = 500;

interface LogProps {
  projectId: string;
  container: LogContainer;
}

/**
 * Follows the log, and begins again when the subscription has ended: the server ends it when the pod was replaced, and the
 * live feed when it opens the socket again.
 */
function FollowedLog(props: LogProps) {
  const [ends, setEnds] = useState(0);
  // The live feed closes the socket after it has ended the subscriptions. One that starts meanwhile would be lost.
  const beginAgain = () => void window.setTimeout(() => setEnds((count) => count + 1), restartDelayMs);
  return <LiveLog key={ends} {...props} onEnded={beginAgain} />;
}

function LiveLog({ projectId, container, onEnded }: LogProps & { onEnded: () => void }) {
  const [buffer, receive] = useReducer(withEvent, emptyLog);
  const { kind } = useConnection();
  const isDisconnected = kind === 'offline' || kind === 'reconnecting';
  const { error } = trpc.projects.followLogs.useSubscription(
    { id: projectId, container },
    {
      onData: receive,
      onComplete: onEnded,
      onError: (failure) => {
        if (isTransient(readError(failure))) onEnded();
      },
    },
  );
  if (error !== null && !isTransient(readError(error))) {
    return <LoadFailure what="The log" error={error} retrying={false} onRetry={onEnded} />;
  }
  const waiting = isDisconnected
    ? 'The connection to the server was lost. New lines appear when it is back.'
    : buffer.waiting;
  return <LogPanel container={container} buffer={buffer} note={waiting} isLive={waiting === null} />;
}

function PreviousLog({ projectId, container }: LogProps) {
  // Each visit reads it again, because the container may have restarted again.
  const query = trpc.projects.logs.useQuery(
    { id: projectId, container, previous: true, tailLines: 2_000 },
    { staleTime: 0, gcTime: 0 },
  );
  if (query.isError) {
    return (
      <LoadFailure
        what="The log"
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => void query.refetch()}
      />
    );
  }
  const buffer = query.data === undefined ? emptyLog : withEvent(emptyLog, { type: 'snapshot', ...query.data });
  return <LogPanel container={container} buffer={buffer} note={query.data?.message ?? null} isLive={false} />;
}
