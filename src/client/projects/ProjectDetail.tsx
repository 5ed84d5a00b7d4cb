/** The content of a project's page: title, description, status, start progress and tabs. */

import { Suspense } from 'react';
import { Link, useSearchParams } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { EditableField } from './EditableField.tsx';
import { countsDown } from './idle-state.ts';
import { isInTrash } from './in-trash.ts';
import { ProjectActions } from './ProjectActions.tsx';
import { ProjectTabs, type ProjectTab } from './ProjectTabs.tsx';
import { SharedLine } from './sharing/SharedLine.tsx';
import { StartSteps } from './StartSteps.tsx';
import { StatusBadge } from './StatusBadge.tsx';
import { StatusPanel } from './StatusPanel.tsx';
import { refusalOf } from './use-project-actions.ts';

import classes from './project-detail.module.css';

const IdleLine = lazyPart(async () => (await import('./IdleLine.tsx')).IdleLine);
const TrashLine = lazyPart(async () => (await import('./TrashLine.tsx')).TrashLine);
const WaitingLine = lazyPart(async () => (await import('./WaitingLine.tsx')).WaitingLine);

const ShareDialog = lazyPart(async () => (await import('./sharing/ShareDialog.tsx')).ShareDialog);
const DeleteProjectDialog = lazyPart(async () => (await import('./DeleteProjectDialog.tsx')).DeleteProjectDialog);

export function ProjectDetail({ project, tab }: { project: Project; tab: ProjectTab }) {
  const [params, setParams] = useSearchParams();
  const isStarting =
    project.desiredState === 'running' && project.status !== 'ready' && project.progress?.readyAt === null;
  const deleting = params.has('delete') && refusalOf('delete', project) === null;
  const needsDeleteDialog = useOnceTrue(deleting);
  const sharing = params.has('share') && project.status !== 'archived';
  const needsShareDialog = useOnceTrue(sharing);
  // The address holds what is open: signing in again restores it, and the palette can open it.
  const open = (param: 'edit' | 'delete' | 'share' | null, value = ''): void =>
    setParams(
      (current) => {
        const next = new URLSearchParams(current);
        for (const each of ['edit', 'delete', 'share']) next.delete(each);
        if (param !== null) next.set(param, value);
        return next;
      },
      { replace: true },
    );
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
          <EditableField project={project} field="name" label="Name" placeholder="my-project">
            <h1 className={classes.title}>{project.name}</h1>
            <StatusBadge project={project} />
          </EditableField>
        </div>
        {project.status !== 'archived' && (
          <ProjectActions
            project={project}
            onRename={() => open('edit', 'name')}
            onShare={() => open('share')}
            onDelete={() => open('delete')}
          />
        )}
      </div>
      {(project.description !== '' || project.status !== 'archived') && (
        <EditableField project={project} field="description" label="Description" placeholder="What it is for">
          <p className={classes.description} data-empty={project.description === '' || undefined}>
            {project.description === '' ? 'No description' : project.description}
          </p>
        </EditableField>
      )}
      <SharedLine project={project} />
      <StatusPanel project={project} />
      {project.waitingRuns > 0 && (
        <Suspense>
          <WaitingLine project={project} />
        </Suspense>
      )}
      {countsDown(project) && (
        <Suspense>
          <IdleLine project={project} />
        </Suspense>
      )}
      {isInTrash(project) && (
        <Suspense>
          <TrashLine project={project} onDelete={() => open('delete')} />
        </Suspense>
      )}
      {isStarting && project.progress !== null && <StartSteps progress={project.progress} />}
      <ProjectTabs project={project} tab={tab} />
      <Suspense>
        {needsShareDialog && <ShareDialog project={sharing ? project : null} onClose={() => open(null)} />}
        {needsDeleteDialog && <DeleteProjectDialog project={deleting ? project : null} onClose={() => open(null)} />}
      </Suspense>
    </>
  );
}
