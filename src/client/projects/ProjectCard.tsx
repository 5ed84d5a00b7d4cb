/** A card in the list of projects. The whole card is one link to the project's page; the button and the menu are above that link. */

import { IconGitBranch } from '@tabler/icons-react';
import { memo, Suspense } from 'react';
import { Link } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { formatDate, formatDateTime, shortRepository } from '../ui/format.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { Time } from '../ui/Time.tsx';
import { badgeOf, needsAttention, shortLine, statusLine } from './badge.ts';
import { countsDown, wasIdle } from './idle-state.ts';
import { isInTrash } from './in-trash.ts';
import { canOpen } from './open-project.ts';
import { OpenButton } from './OpenButton.tsx';
import { ProjectMenu } from './ProjectMenu.tsx';
import { stepsDone } from './start-labels.ts';
import { StatusBadge } from './StatusBadge.tsx';

import classes from './project-card.module.css';

const IdleLine = lazyPart(async () => (await import('./IdleLine.tsx')).IdleLine);
const SharedLine = lazyPart(async () => (await import('./sharing/SharedLine.tsx')).SharedLine);
const TrashLine = lazyPart(async () => (await import('./TrashLine.tsx')).TrashLine);
const WaitingLine = lazyPart(async () => (await import('./WaitingLine.tsx')).WaitingLine);

interface ProjectCardProps {
  project: Project;
  onDelete: (project: Project) => void;
}

export const ProjectCard = memo(function ProjectCard({ project, onDelete }: ProjectCardProps) {
  const line = shortLine(project);
  const titleId = `project-${project.id}`;
  return (
    <article className={classes.root} aria-labelledby={titleId} data-project-id={project.id}>
      <div className={classes.head}>
        <h2 className={classes.title} id={titleId}>
          <Link to={`/projects/${project.id}`} className={classes.link}>
            {project.name}
          </Link>
        </h2>
        <div className={classes.menu}>
          {canOpen(project) && <OpenButton project={project} size="compact-xs" />}
          <ProjectMenu project={project} onDelete={() => onDelete(project)} withDetails />
        </div>
      </div>
      <p className={classes.description} data-empty={project.description === '' || undefined}>
        {project.description === '' ? 'No description' : project.description}
      </p>
      {project.sharedBy !== null && (
        <Suspense>
          <SharedLine project={project} />
        </Suspense>
      )}
      {project.waitingRuns > 0 && (
        <Suspense>
          <WaitingLine project={project} isOnCard />
        </Suspense>
      )}
      {(countsDown(project) || wasIdle(project)) && (
        <Suspense>
          <IdleLine project={project} isOnCard />
        </Suspense>
      )}
      {isInTrash(project) && (
        <Suspense>
          <TrashLine project={project} onDelete={onDelete} isOnCard />
        </Suspense>
      )}
      <div className={classes.status}>
        <StatusBadge project={project} />
        <span
          className={classes.line}
          title={statusLine(project)}
          data-attention={needsAttention(project) ? badgeOf(project).tone : undefined}
        >
          {line}
        </span>
      </div>
      <Progress project={project} />
      <div className={classes.foot}>
        <span className={classes.repository} title={project.repoUrl ?? undefined}>
          {project.repoUrl === null ? (
            'No repository'
          ) : (
            <>
              <IconGitBranch size={14} stroke={1.6} aria-hidden="true" />
              <span>{shortRepository(project.repoUrl)}</span>
            </>
          )}
        </span>
        <span
          className={classes.times}
          title={`Created ${formatDateTime(project.createdAt)}, changed ${formatDateTime(project.updatedAt)}`}
        >
          <span>
            Created <time dateTime={project.createdAt}>{formatDate(project.createdAt)}</time>
          </span>
          <Changed at={project.updatedAt} />
        </span>
      </div>
    </article>
  );
});

/** The time of the last change. A component of its own, so that only it renders with each step of the clock. */
function Changed({ at }: { at: string }) {
  return (
    <span>
      Changed <Time iso={at} />
    </span>
  );
}

/** A thin progress bar. It always takes its space, so that the layout does not shift when a start begins or ends. */
function Progress({ project: { status, progress } }: { project: Project }) {
  const isShown = status === 'initializing' && progress !== null && progress.readyAt === null;
  const share = isShown ? (stepsDone(progress) + 0.5) / progress.steps.length : 0;
  return (
    <div className={classes.progress} data-shown={isShown || undefined} aria-hidden="true">
      <span style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}
