/** The dialog that moves a project to the trash, or deletes it for good after the user has typed its name. */

import { Anchor, Button, Group, Loader, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { count } from '../ui/format.ts';
import { EndingRuns } from './EndingRuns.tsx';
import { isInTrash } from './in-trash.ts';
import { UnsavedWorkList } from './UnsavedWorkList.tsx';
import { refusalOf, useProjectActions } from './use-project-actions.ts';

interface DeleteProjectDialogProps {
  /** The project to delete; `null` while the dialog is closed. */
  project: Project | null;
  onClose: () => void;
}

export function DeleteProjectDialog({ project, onClose }: DeleteProjectDialogProps) {
  const { run } = useProjectActions();
  const act = (command: 'trash' | 'delete') => () => {
    if (project !== null) run(command, project);
    onClose();
  };
  return (
    <Dialog opened={project !== null} onClose={onClose} title="Delete project">
      {project !== null && (
        <DeleteProjectBody project={project} onCancel={onClose} onTrash={act('trash')} onDelete={act('delete')} />
      )}
    </Dialog>
  );
}

interface BodyProps {
  project: Project;
  onCancel: () => void;
  onTrash: () => void;
  onDelete: () => void;
}

/** Mounted again with each opening, so that what was chosen for one project is not used for another. */
function DeleteProjectBody({ project, onCancel, onTrash, onDelete }: BodyProps) {
  const [isFinal, setFinal] = useState(false);
  const settings = trpc.projects.trashSettings.useQuery({}, { staleTime: Infinity });
  const mayTrash = refusalOf('trash', project) === null;
  if (mayTrash && settings.isPending) return <Loader size="sm" aria-label="Loading" />;
  // When the settings cannot be read, people can still delete for good.
  const days = settings.data?.days ?? 0;
  if (isFinal || !mayTrash || days === 0) {
    return <DeleteForGood project={project} onCancel={onCancel} onConfirm={onDelete} />;
  }
  return (
    <Stack gap="md">
      <Text>
        <strong style={{ overflowWrap: 'anywhere' }}>{project.name}</strong> moves to the trash. It does not run there.
        Its files are kept for {count(days, 'day')}, and you can restore it until then.
      </Text>
      <EndingRuns project={project} isFinal={false} />
      <UnsavedWorkList project={project} />
      <Group justify="space-between" gap="xs" mt="xs">
        <Anchor component="button" type="button" size="sm" onClick={() => setFinal(true)}>
          Delete for good instead
        </Anchor>
        <Group gap="xs">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button color="red.8" data-autofocus ref={focus} onClick={onTrash}>
            Move to trash
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

/** What takes the place of something else in an open dialog takes the focus too. */
const focus = (element: HTMLElement | null): void => element?.focus();

interface DeleteForGoodProps {
  project: Project;
  onCancel: () => void;
  onConfirm: () => void;
}

function DeleteForGood({ project, onCancel, onConfirm }: DeleteForGoodProps) {
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const isNamed = typed.trim() === project.name;
  const confirm = (): void => {
    if (isNamed) onConfirm();
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
        <EndingRuns project={project} isFinal />
        {!isInTrash(project) && <UnsavedWorkList project={project} />}
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
          ref={focus}
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
          <Button type="submit" color="red.8" aria-disabled={!isNamed} data-disabled={!isNamed}>
            Delete project
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
