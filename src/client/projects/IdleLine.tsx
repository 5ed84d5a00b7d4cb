/**
 * Says that an unused project will stop soon, with the button that keeps it, or that it was stopped for that reason, with the one that
 * starts it. The worker counts the minutes, so every window shows the same.
 */

import { Button } from '@mantine/core';
import { IconClockPause } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { idleTimeText } from '../../shared/contract/idle-stop.ts';
import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { notifyFailure } from '../ui/notify.ts';
import { refusalOf, useProjectActions } from './use-project-actions.ts';

import classes from './idle-line.module.css';

interface IdleLineProps {
  project: Project;
  isOnCard?: boolean;
}

export function IdleLine({ project, isOnCard = false }: IdleLineProps) {
  if (project.status === 'ready') return <Countdown project={project} isOnCard={isOnCard} />;
  return <Stopped project={project} isOnCard={isOnCard} />;
}

function Countdown({ project, isOnCard }: Required<IdleLineProps>) {
  const { client } = trpc.useUtils();
  const { projectCache } = useApp();
  const keep = useMutation({
    mutationFn: () => client.projects.keep.mutate({ id: project.id }),
    onMutate: () => ({ settle: projectCache.expect(project, { idleStopInMinutes: null }) }),
    onSuccess: (answer) => projectCache.writeAnswer(answer),
    onError: (error) => notifyFailure(`“${project.name}” could not be kept running`, error),
    onSettled: (_answer, _error, _input, context) => context?.settle(),
  });
  return (
    <Line isOnCard={isOnCard} isSoon text={`Stops in ${project.idleStopInMinutes} min: idle`}>
      {roleMay(project.role, 'command') && (
        <Button
          size="compact-xs"
          variant="default"
          title="Keep it running: the time begins again"
          aria-label={`Keep ${project.name} running`}
          loading={keep.isPending}
          onClick={() => keep.mutate()}
        >
          Keep
        </Button>
      )}
    </Line>
  );
}

function Stopped({ project, isOnCard }: Required<IdleLineProps>) {
  const { run, running } = useProjectActions();
  return (
    <Line isOnCard={isOnCard} text={`Stopped: idle for ${idleTimeText(project.idleStoppedAfterMinutes ?? 0)}`}>
      {refusalOf('start', project) === null && (
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Start ${project.name}`}
          loading={running === 'start'}
          onClick={() => run('start', project)}
        >
          Start
        </Button>
      )}
    </Line>
  );
}

interface LineProps {
  isOnCard: boolean;
  isSoon?: boolean;
  text: string;
  children: ReactNode;
}

function Line({ isOnCard, isSoon = false, text, children }: LineProps) {
  return (
    <div className={classes.root} data-card={isOnCard || undefined} data-soon={isSoon || undefined}>
      <IconClockPause size={15} stroke={1.8} aria-hidden="true" />
      <span className={classes.text}>{text}</span>
      {children}
    </div>
  );
}
