/** The projects of all people, and a way to stop one. */

import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useState } from 'react';

import type { AdminProject } from '../../shared/contract/admin.ts';
import { projectStatusSchema, type ProjectStatus } from '../../shared/contract/states.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone, notifyFailure } from '../ui/notify.ts';
import { Time } from '../ui/Time.tsx';
import { AdminFrame } from './AdminFrame.tsx';
import { ListPart, useSearch } from './ListPart.tsx';
import { statusLabels } from './status-labels.ts';

import classes from './admin.module.css';

const refreshMs = 15_000;

export function AllProjectsPage() {
  const { text, search, setText } = useSearch();
  const [status, setStatus] = useState<ProjectStatus | null>(null);
  const projects = trpc.admin.projects.useInfiniteQuery(
    { search, status },
    {
      getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
      placeholderData: (before) => before,
      refetchInterval: refreshMs,
    },
  );
  const items = projects.data?.pages.flatMap((page) => page.items) ?? [];
  const [stopping, setStopping] = useState<AdminProject | null>(null);
  return (
    <AdminFrame title="Projects" description="The projects of everybody. You cannot see what is inside them.">
      <ListPart
        what="The projects"
        search={{ label: 'Search by project, person or pod', text, setText }}
        filters={
          <NativeSelect
            aria-label="State"
            value={status ?? ''}
            data={[
              { value: '', label: 'Any state' },
              ...projectStatusSchema.options
                .filter((option) => option !== 'archived')
                .map((option) => ({ value: option, label: statusLabels[option] })),
            ]}
            onChange={(event) => {
              const chosen = projectStatusSchema.safeParse(event.currentTarget.value);
              setStatus(chosen.success ? chosen.data : null);
            }}
          />
        }
        query={projects}
        rows={items.length}
      >
        <table className={classes.table} aria-label="Projects">
          <thead>
            <tr>
              <th scope="col">Project</th>
              <th scope="col">Owner</th>
              <th scope="col">State</th>
              <th scope="col" className={classes.optional}>
                Created
              </th>
              <th scope="col">
                <span hidden>Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((project) => (
              <tr key={project.id}>
                <th scope="row">
                  {project.name}
                  <span className={classes.second}>{project.podName}</span>
                </th>
                <td>
                  {project.ownerName}
                  <span className={classes.second}>{project.ownerEmail}</span>
                </td>
                <td>
                  {statusLabels[project.status]}
                  {project.size !== null && <span className={classes.second}>Size {project.size}</span>}
                </td>
                <td className={classes.optional}>
                  <Time iso={project.createdAt} />
                </td>
                <td>
                  <Button
                    variant="default"
                    size="xs"
                    disabled={project.desiredState !== 'running'}
                    onClick={() => setStopping(project)}
                    aria-label={`Stop ${project.name} of ${project.ownerName}`}
                  >
                    Stop
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListPart>
      <StopDialog project={stopping} onClose={() => setStopping(null)} />
    </AdminFrame>
  );
}

function StopDialog({ project, onClose }: { project: AdminProject | null; onClose: () => void }) {
  const { admin } = trpc.useUtils();
  const stop = trpc.admin.stopProject.useMutation({
    onSuccess() {
      notifyDone('The project is being stopped.');
      onClose();
    },
    onError: (error) => notifyFailure('The project could not be stopped', error),
    onSettled: () => admin.projects.invalidate(),
  });
  return (
    <Dialog opened={project !== null} onClose={onClose} title={`Stop ${project?.name ?? ''}`}>
      <Stack gap="md">
        <Text>
          Agents that work in this project are interrupted. Its files stay. {project?.ownerName} sees in the activity of
          the project that you stopped it, and can start it again.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" loading={stop.isPending} onClick={() => project && stop.mutate({ id: project.id })}>
            Stop the project
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
