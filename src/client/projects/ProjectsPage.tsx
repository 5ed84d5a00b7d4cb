/** The page with the list of projects, at `/projects`. */

import { Button, Group, Title } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { Suspense, useState } from 'react';
import { Link, useSearchParams } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { count } from '../ui/format.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { useOnceTrue } from '../ui/use-once-true.ts';
import { ProjectList } from './ProjectList.tsx';
import { ProjectToolbar } from './ProjectToolbar.tsx';
import { useListFilter } from './use-list-filter.ts';
import { useTrashCount } from './use-trash-count.ts';

const CreateProjectDialog = lazyPart(async () => (await import('./CreateProjectDialog.tsx')).CreateProjectDialog);
const DeleteProjectDialog = lazyPart(async () => (await import('./DeleteProjectDialog.tsx')).DeleteProjectDialog);

export function ProjectsPage() {
  const { filter, narrowed, change } = useListFilter();
  const [params, setParams] = useSearchParams();
  const [deleting, setDeleting] = useState<Project | null>(null);
  const trashCount = useTrashCount();
  const creating = params.has('new');
  const needsCreateDialog = useOnceTrue(creating);
  const needsDeleteDialog = useOnceTrue(deleting !== null);

  // The address says that the dialog is open, so that signing in again restores it.
  function setCreating(opened: boolean): void {
    setParams(
      (current) => {
        const next = new URLSearchParams(current);
        if (opened) next.set('new', '');
        else next.delete('new');
        return next;
      },
      { replace: true },
    );
  }

  return (
    <>
      <PageTitle>Projects</PageTitle>
      <Group justify="space-between" gap="xs">
        <Title order={1}>Projects</Title>
        <Group gap="xs" wrap="nowrap">
          {trashCount > 0 && (
            <Button
              variant="subtle"
              color="gray"
              leftSection={<IconTrash size={16} stroke={1.7} />}
              aria-label={`Trash: ${count(trashCount, 'project')}`}
              component={Link}
              to="/projects?status=trash"
            >
              Trash ({trashCount})
            </Button>
          )}
          <Button leftSection={<IconPlus size={16} stroke={2} />} onClick={() => setCreating(true)}>
            New project
          </Button>
        </Group>
      </Group>
      <ProjectToolbar filter={filter} onChange={change} />
      <ProjectList
        filter={filter}
        narrowed={narrowed}
        onClearFilter={() => change({ search: '', status: '' })}
        onCreate={() => setCreating(true)}
        onDelete={setDeleting}
      />
      <Suspense>
        {needsCreateDialog && <CreateProjectDialog opened={creating} onClose={() => setCreating(false)} />}
        {needsDeleteDialog && <DeleteProjectDialog project={deleting} onClose={() => setDeleting(null)} />}
      </Suspense>
    </>
  );
}
