/** Says that an unused project will stop soon, with the button that keeps it. The worker counts the minutes, so every window shows the same. */

import { Button } from '@mantine/core';
import { IconClockPause } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { notifyFailure } from '../ui/notify.ts';

import classes from './idle-line.module.css';

export function IdleLine({ project, isOnCard = false }: { project: Project; isOnCard?: boolean }) {
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
    <div className={classes.root} data-card={isOnCard || undefined}>
      <IconClockPause size={15} stroke={1.8} aria-hidden="true" />
      <span className={classes.text}>Stops in {project.idleStopInMinutes} min: idle</span>
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
    </div>
  );
}
