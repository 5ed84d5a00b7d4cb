/** Says that agents of a project wait for an answer: quietly at first, and clearly when the time limit of the project has passed. */

import { IconMessageQuestion } from '@tabler/icons-react';
import { Link } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { Time } from '../ui/Time.tsx';
import { useNow } from '../ui/use-now.ts';
import { isOverdue, waitingText } from './waiting.ts';

import classes from './waiting-line.module.css';

export function WaitingLine({ project, isOnCard = false }: { project: Project; isOnCard?: boolean }) {
  const overdue = isOverdue(project, useNow());
  const { waitingSince } = project;
  return (
    <Link
      to={`/projects/${project.id}/tasks`}
      className={classes.root}
      data-overdue={overdue || undefined}
      data-card={isOnCard || undefined}
    >
      <IconMessageQuestion size={15} stroke={1.8} aria-hidden="true" />
      <span className={classes.text}>
        {overdue && <strong>Waits for your answer. </strong>}
        {waitingText(project)}
      </span>
      {waitingSince !== null && (
        <span className={classes.since}>
          since <Time iso={waitingSince} />
        </span>
      )}
    </Link>
  );
}
