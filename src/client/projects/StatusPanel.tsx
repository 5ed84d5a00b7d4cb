import { Button } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { Link } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { useConnection } from '../ui/use-connection.ts';
import { badgeOf, needsAttention, statusLine } from './badge.ts';
import { refusalOf, useProjectActions } from './use-project-actions.ts';

import classes from './status-panel.module.css';

/** Why the project is in its state, in a sentence, with the one thing that helps where something does. */
export function StatusPanel({ project }: { project: Project }) {
  const { run, running } = useProjectActions(project);
  const connection = useConnection();
  const line = statusLine(project);
  const canRetry = refusalOf('retry', project) === null;
  return (
    <section className={classes.root} data-tone={toneOf(project)} aria-label="Status">
      <div className={classes.words} aria-live="polite">
        <p>{line}</p>
        {project.podError !== null && project.podError !== line && (
          <p className={classes.more}>The last attempt failed: {project.podError}</p>
        )}
        {connection.kind !== 'live' && connection.kind !== 'connecting' && (
          <p className={classes.more}>{connection.sentence}</p>
        )}
      </div>
      {canRetry && (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={15} stroke={1.7} />}
          loading={running === 'retry'}
          onClick={() => run('retry')}
        >
          Retry
        </Button>
      )}
      {project.status === 'archived' && (
        <Button size="xs" variant="default" component={Link} to="/projects">
          Go to your projects
        </Button>
      )}
    </section>
  );
}

function toneOf(project: Project): string {
  return needsAttention(project) ? 'bad' : badgeOf(project).tone;
}
