import { Suspense, useState } from 'react';
import { Link, useSearchParams } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { ProjectActions } from './ProjectActions.tsx';
import { ProjectTabs, type ProjectTab } from './ProjectTabs.tsx';
import { StartSteps } from './StartSteps.tsx';
import { StatusBadge } from './StatusBadge.tsx';
import { StatusPanel } from './StatusPanel.tsx';

import classes from './project-detail.module.css';

const EditProjectDialog = lazyPart(async () => (await import('./EditProjectDialog.tsx')).EditProjectDialog);
const DeleteProjectDialog = lazyPart(async () => (await import('./DeleteProjectDialog.tsx')).DeleteProjectDialog);

/** A project with its head, its present state and its tabs. */
export function ProjectDetail({ project, tab }: { project: Project; tab: ProjectTab }) {
  const [params, setParams] = useSearchParams();
  const [deleting, setDeleting] = useState(false);
  const isStarting =
    project.desiredState === 'running' && project.status !== 'ready' && project.progress?.readyAt === null;
  const editing = params.has('edit');
  const needsEditDialog = useOnceTrue(editing);
  const needsDeleteDialog = useOnceTrue(deleting);
  // In the address, so that signing in again leads back to the open dialog.
  const setEditing = (opened: boolean): void => setParams(opened ? { edit: '' } : {}, { replace: true });
  return (
    <>
      <PageTitle>{project.name}</PageTitle>
      <nav aria-label="Breadcrumb">
        <ol className={classes.crumbs}>
          <li>
            <Link to="/projects">Projects</Link>
          </li>
          <li aria-current="page">{project.name}</li>
        </ol>
      </nav>
      <div className={classes.head}>
        <div className={classes.heading}>
          <h1 className={classes.title}>{project.name}</h1>
          <StatusBadge project={project} />
        </div>
        {project.status !== 'archived' && (
          <ProjectActions project={project} onEdit={() => setEditing(true)} onDelete={() => setDeleting(true)} />
        )}
      </div>
      {project.description !== '' && <p className={classes.description}>{project.description}</p>}
      <StatusPanel project={project} />
      {isStarting && project.progress !== null && <StartSteps progress={project.progress} />}
      <ProjectTabs project={project} tab={tab} />
      <Suspense>
        {needsEditDialog && (
          <EditProjectDialog
            project={project}
            opened={editing && project.status !== 'archived'}
            onClose={() => setEditing(false)}
          />
        )}
        {needsDeleteDialog && (
          <DeleteProjectDialog project={deleting ? project : null} onClose={() => setDeleting(false)} />
        )}
      </Suspense>
    </>
  );
}
