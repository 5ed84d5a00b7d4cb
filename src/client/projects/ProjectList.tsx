/** The list of projects as a grid of cards. It also renders the loading, empty and failed states of the list. */

import { Button, VisuallyHidden } from '@mantine/core';
import { useIntersection } from '@mantine/hooks';
import { IconBox, IconFilterOff, IconTrash } from '@tabler/icons-react';
import { keepPreviousData, useMutationState } from '@tanstack/react-query';
import { useEffect } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import type { ListFilter } from '../api/merge-projects.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { count } from '../ui/format.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { CardSkeletons, PendingCard } from './PendingCard.tsx';
import { ProjectCard } from './ProjectCard.tsx';

import classes from './project-list.module.css';

interface ProjectListProps {
  filter: ListFilter;
  /** Whether the filter has a search text or a status. */
  narrowed: boolean;
  onClearFilter: () => void;
  onCreate: () => void;
  onDelete: (project: Project) => void;
}

export function ProjectList({ filter, narrowed, onClearFilter, onCreate, onDelete }: ProjectListProps) {
  const list = trpc.projects.list.useInfiniteQuery(filter, {
    getNextPageParam: (page) => page.nextCursor,
    placeholderData: keepPreviousData,
  });
  const projects = list.data?.pages.flatMap((page) => page.items) ?? [];
  const pendingNames = usePendingNames(projects);
  // Scrolling near the end loads the next page. The button is for keyboard users, and for a retry after a failure.
  const { ref: endRef, entry: endEntry } = useIntersection<HTMLDivElement>({ rootMargin: '600px' });
  const isNearEnd = endEntry?.isIntersecting === true;
  const { hasNextPage, isFetching, isFetchNextPageError, fetchNextPage } = list;
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetching && !isFetchNextPageError) void fetchNextPage();
  }, [isNearEnd, hasNextPage, isFetching, isFetchNextPageError, fetchNextPage]);

  if (list.isPending) return <CardSkeletons />;
  if (list.data === undefined) {
    return (
      <LoadFailure
        what="Your projects"
        error={list.error}
        retrying={list.isFetching}
        onRetry={() => void list.refetch()}
      />
    );
  }
  // A project that is being created might not match the filter.
  const pending = narrowed ? [] : pendingNames;
  if (projects.length === 0 && pending.length === 0 && !list.isPlaceholderData) {
    if (filter.inTrash && filter.search === undefined) return <EmptyTrash onClearFilter={onClearFilter} />;
    return narrowed ? <NoMatch onClearFilter={onClearFilter} /> : <NoProjects onCreate={onCreate} />;
  }
  return (
    <>
      <VisuallyHidden component="output">{narrowed ? `${count(projects.length, 'project')} found` : ''}</VisuallyHidden>
      <ul className={classes.grid} aria-label="Projects" data-previous={list.isPlaceholderData || undefined}>
        {pending.map((name) => (
          <li key={`pending-${name}`}>
            <PendingCard name={name} />
          </li>
        ))}
        {projects.map((project) => (
          <li key={project.id}>
            <ProjectCard project={project} onDelete={onDelete} />
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <div className={classes.more} ref={endRef}>
          {list.isFetchNextPageError && <p role="alert">{readError(list.error).message}</p>}
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Load more
          </Button>
        </div>
      )}
    </>
  );
}

/** The names of the projects that are being created and are not in the list yet. Names are unique per user. */
function usePendingNames(projects: Project[]): string[] {
  const names = useMutationState({
    filters: { mutationKey: [['projects', 'create']], status: 'pending' },
    // The filter selects `projects.create`, whose input has a name.
    select: (mutation) => (mutation.state.variables as { name: string }).name,
  });
  return names.filter((name) => !projects.some((project) => project.name.toLowerCase() === name.toLowerCase()));
}

function NoProjects({ onCreate }: { onCreate: () => void }) {
  return (
    <Message
      icon={<IconBox size={22} stroke={1.6} />}
      title="Create your first project"
      actions={<Button onClick={onCreate}>New project</Button>}
    >
      A project is a workspace: OpenCode, your repository and its files, in a pod (a group of containers in a Kubernetes
      cluster) that is kept running for you.
    </Message>
  );
}

function EmptyTrash({ onClearFilter }: { onClearFilter: () => void }) {
  return (
    <Message
      icon={<IconTrash size={22} stroke={1.6} />}
      title="The trash is empty"
      actions={
        <Button variant="default" onClick={onClearFilter}>
          Show your projects
        </Button>
      }
    >
      A project that you delete stays here for some days, with its files.
    </Message>
  );
}

function NoMatch({ onClearFilter }: { onClearFilter: () => void }) {
  return (
    <Message
      icon={<IconFilterOff size={22} stroke={1.6} />}
      title="No project matches"
      actions={
        <Button variant="default" onClick={onClearFilter}>
          Clear the filter
        </Button>
      }
    >
      None of your projects has this name and status.
    </Message>
  );
}
