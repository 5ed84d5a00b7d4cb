/** The diagnosis of a project: reason, message, next step, who can fix it, and the evidence from Kubernetes. */

import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { Link } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { isFailure, reasonFacts } from '../../shared/contract/reasons.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { Time } from '../ui/Time.tsx';
import { useConnection } from '../ui/use-connection.ts';
import { badgeOf, needsAttention, statusLine } from './badge.ts';
import { Evidence } from './Evidence.tsx';
import { LargerSize } from './sizes/LargerSize.tsx';
import { useStartAllowance } from './sizes/use-start-allowance.ts';
import { refusalOf, useProjectActions } from './use-project-actions.ts';

import classes from './status-panel.module.css';

export function StatusPanel({ project }: { project: Project }) {
  const { run, running } = useProjectActions();
  const connection = useConnection();
  const start = useStartAllowance(project);
  const line = statusLine(project);
  const canRetry = refusalOf('retry', project) === null;
  return (
    <section className={classes.root} data-tone={toneOf(project)} aria-label="Status">
      <div className={classes.head}>
        <div className={classes.text} aria-live="polite">
          {project.reason !== null && (
            <p className={classes.title}>
              {reasonFacts[project.reason].title}
              {needsAttention(project) && <Actor project={project} />}
              {project.reasonSince !== null && (
                // Screen readers announce new statuses, but not each passing minute.
                <span className={classes.since} aria-live="off">
                  <Time iso={project.reasonSince} />
                </span>
              )}
            </p>
          )}
          <p>{line}</p>
          {project.nextStep !== null &&
            start.refusal === null &&
            (project.status !== 'ready' || isFailure(project.reason)) && (
              <p className={classes.more}>{project.nextStep}</p>
            )}
          {project.podError !== null && project.podError !== line && (
            <p className={classes.more}>The last attempt failed: {project.podError}</p>
          )}
          {project.reason === 'out-of-memory' && roleMay(project.role, 'size') && (
            <LargerSize project={project} className={classes.more} />
          )}
          {start.text !== null && <p className={classes.more}>{start.text}</p>}
          {connection.kind !== 'live' && connection.kind !== 'connecting' && (
            <p className={classes.more}>{connection.message}</p>
          )}
        </div>
        {canRetry && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh size={15} stroke={1.7} />}
            loading={running === 'retry'}
            onClick={() => run('retry', project)}
          >
            Retry
          </Button>
        )}
        {project.status === 'archived' && (
          <Button size="xs" variant="default" component={Link} to="/projects">
            Go to your projects
          </Button>
        )}
      </div>
      {project.evidence.length > 0 && <Evidence project={project} />}
    </section>
  );
}

const actors = {
  nobody: 'Nobody has to act',
  owner: 'You can fix this',
  administrator: 'An administrator has to fix this',
} satisfies Record<Project['actor'], string>;

function Actor({ project }: { project: Project }) {
  const isForOthers = project.actor === 'owner' && !roleMay(project.role, 'command');
  return <span className={classes.actor}>{isForOthers ? 'The owner can fix this' : actors[project.actor]}</span>;
}

function toneOf(project: Project): string {
  return needsAttention(project) && project.status !== 'ready' ? 'bad' : badgeOf(project).tone;
}
