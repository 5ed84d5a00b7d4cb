/** Says for how many days a project stays in the trash, with the buttons that restore it and delete it for good. */

import { Button } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { count } from '../ui/format.ts';
import { useProjectActions } from './use-project-actions.ts';

import classes from './idle-line.module.css';

interface TrashLineProps {
  project: Project;
  onDelete: (project: Project) => void;
  isOnCard?: boolean;
}

export function TrashLine({ project, onDelete, isOnCard = false }: TrashLineProps) {
  const { run, running } = useProjectActions();
  const { name, trashDaysLeft } = project;
  return (
    <div className={classes.root} data-card={isOnCard || undefined} data-soon={trashDaysLeft === 1 || undefined}>
      <IconTrash size={15} stroke={1.8} aria-hidden="true" />
      <span className={classes.text}>
        {trashDaysLeft === null ? 'In the trash' : `Will be deleted in ${count(trashDaysLeft, 'day')}`}
      </span>
      <Button
        size="compact-xs"
        variant="default"
        aria-label={`Restore ${name}`}
        loading={running === 'restore'}
        onClick={() => run('restore', project)}
      >
        Restore
      </Button>
      {!isOnCard && (
        <Button size="compact-xs" variant="subtle" color="red" onClick={() => onDelete(project)}>
          Delete…
        </Button>
      )}
    </div>
  );
}
