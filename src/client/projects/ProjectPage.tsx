/** The page of one project, at `/projects/:projectId/:tab?`. */

import { Button } from '@mantine/core';
import { IconBoxOff } from '@tabler/icons-react';
import { Link, useParams } from 'react-router';

import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { NotFoundPage } from '../ui/NotFoundPage.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';
import { ProjectDetail } from './ProjectDetail.tsx';
import { ProjectSkeleton } from './ProjectSkeleton.tsx';
import { isProjectTab } from './ProjectTabs.tsx';

export function ProjectPage() {
  // The route always provides `projectId`; the default is for the type only.
  const { projectId = '', tab = 'overview' } = useParams();
  const { projectCache } = useApp();
  const query = trpc.projects.get.useQuery(
    { id: projectId },
    { placeholderData: () => projectCache.newest(projectId) },
  );
  if (!isProjectTab(tab)) return <NotFoundPage />;
  const failure = query.isError ? readError(query.error) : null;
  // Not shared with this person any more: an event has said so, or the project was read again after a time without events.
  if (query.data?.role === 'none' || failure?.code === 'NOT_FOUND') return <ProjectNotFound />;
  if (query.data !== undefined) return <ProjectDetail key={query.data.id} project={query.data} tab={tab} />;
  if (query.isPending) return <ProjectSkeleton />;
  if (failure?.code === 'VALIDATION_FAILED') return <ProjectNotFound />;
  return (
    <LoadFailure
      what="The project"
      order={1}
      error={query.error}
      retrying={query.isFetching}
      onRetry={() => void query.refetch()}
    />
  );
}

function ProjectNotFound() {
  return (
    <>
      <PageTitle>Project not found</PageTitle>
      <Message
        order={1}
        icon={<IconBoxOff size={22} stroke={1.6} />}
        title="There is no such project"
        actions={
          <Button component={Link} to="/projects">
            Go to your projects
          </Button>
        }
      >
        It may have been deleted, it may belong to another user who does not share it with you, or the address may be
        mistyped.
      </Message>
    </>
  );
}
