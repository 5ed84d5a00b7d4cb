/** Says why the files cannot be reached while the project does not run, and offers to start it. */

import { Button } from '@mantine/core';
import { IconPlayerPlay, IconPlugConnectedX } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { statusLine } from '../projects/badge.ts';
import { refusalOf, useProjectActions } from '../projects/use-project-actions.ts';
import { count } from '../ui/format.ts';
import { Message } from '../ui/Message.tsx';

import classes from './workspace.module.css';

function StartButton({ project, size }: { project: Project; size: 'sm' | 'compact-xs' }) {
  const { run, running } = useProjectActions();
  if (refusalOf('start', project) !== null) return null;
  return (
    <Button
      size={size}
      variant="default"
      leftSection={<IconPlayerPlay size={14} stroke={1.7} />}
      loading={running === 'start'}
      onClick={() => run('start', project)}
    >
      Start
    </Button>
  );
}

/** In place of the files. */
export function NotRunning({ project, unsaved }: { project: Project; unsaved: number }) {
  const kept = unsaved === 0 ? '' : ` Unsaved changes in ${count(unsaved, 'file')} are kept.`;
  return (
    <Message
      icon={<IconPlugConnectedX size={22} stroke={1.6} />}
      title="The files are available while the project runs"
      actions={<StartButton project={project} size="sm" />}
    >
      {`${statusLine(project)}${kept}`}
    </Message>
  );
}

/** Whether what is edited can be saved at some time. */
function hintOf({ desiredState, trashedAt }: Project): string {
  if (desiredState === 'deleted') return 'Copy what you want to keep: it cannot be saved here any more.';
  if (trashedAt !== null) return 'You can go on editing: saving is possible when the project is restored and runs.';
  return 'You can go on editing: saving is possible when the project runs again.';
}

/** Above files that are already on the screen. */
export function NotRunningBar({ project }: { project: Project }) {
  return (
    <output className={classes.stopped}>
      <span>
        {statusLine(project)} {hintOf(project)}
      </span>
      <StartButton project={project} size="compact-xs" />
    </output>
  );
}
