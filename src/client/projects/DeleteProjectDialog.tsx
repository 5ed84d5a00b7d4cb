import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertCircle } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone } from '../ui/notify.ts';

export interface DeleteProjectDialogProps {
  /** The project in question; `null` while the dialog is closed. */
  project: Project | null;
  onClose: () => void;
}

/** Asks before a project and its files are removed for good. */
export function DeleteProjectDialog({ project, onClose }: DeleteProjectDialogProps) {
  const remove = trpc.projects.delete.useMutation();
  const { projectCache } = useApp();
  const close = (): void => {
    if (remove.isPending) return;
    remove.reset();
    onClose();
  };
  const confirm = (): void => {
    if (project === null || remove.isPending) return;
    remove.mutate(
      { id: project.id },
      {
        onSuccess: (answer) => {
          projectCache.writeAnswer(answer);
          notifyDone(`“${project.name}” is being deleted.`);
          onClose();
        },
      },
    );
  };
  return (
    <Dialog opened={project !== null} onClose={close} title="Delete project">
      <Stack gap="md">
        {remove.isError && (
          <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
            {readError(remove.error).sentence}
          </Alert>
        )}
        <Text>
          Delete{' '}
          <Text span fw={600} style={{ overflowWrap: 'anywhere' }}>
            {project?.name}
          </Text>
          ? Its pod and its volume with all files in it are removed. This cannot be undone.
        </Text>
        <Group justify="flex-end" gap="xs" mt="xs">
          <Button variant="default" onClick={close} disabled={remove.isPending} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={confirm} loading={remove.isPending}>
            Delete project
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
