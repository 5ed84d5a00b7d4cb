/** The dialog that deletes a project after the user has typed its name. */

import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { useProjectActions } from './use-project-actions.ts';

interface DeleteProjectDialogProps {
  /** The project to delete; `null` while the dialog is closed. */
  project: Project | null;
  onClose: () => void;
}

export function DeleteProjectDialog({ project, onClose }: DeleteProjectDialogProps) {
  const { run } = useProjectActions();
  return (
    <Dialog opened={project !== null} onClose={onClose} title="Delete project">
      {project !== null && (
        <DeleteProjectBody
          project={project}
          onCancel={onClose}
          onConfirm={() => {
            run('delete', project);
            onClose();
          }}
        />
      )}
    </Dialog>
  );
}

interface BodyProps {
  project: Project;
  onCancel: () => void;
  onConfirm: () => void;
}

/** Mounted again with each opening, so that text typed for one project is not used for another. */
function DeleteProjectBody({ project, onCancel, onConfirm }: BodyProps) {
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const confirm = (): void => {
    if (typed.trim() === project.name) onConfirm();
    else setProblem('This is not the name of the project. Type it exactly as shown above.');
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        confirm();
      }}
    >
      <Stack gap="md">
        <Text>
          The pod of this project and its volume <strong>with all files in it</strong> are deleted. This cannot be
          undone.
        </Text>
        <TextInput
          label={
            <>
              Type{' '}
              <Text span fw={600} style={{ overflowWrap: 'anywhere', userSelect: 'all' }}>
                {project.name}
              </Text>{' '}
              to confirm
            </>
          }
          value={typed}
          error={problem}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setProblem(null);
          }}
        />
        <Group justify="flex-end" gap="xs" mt="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button
            type="submit"
            color="red.8"
            aria-disabled={typed.trim() !== project.name}
            data-disabled={typed.trim() !== project.name}
          >
            Delete project
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
