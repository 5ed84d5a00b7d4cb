/** Asks once more before a task is deleted, because its runs are deleted too. */

import { Button, Group, Text } from '@mantine/core';

import type { Task } from '../../shared/contract/tasks.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { useTaskCommands } from './task-commands.ts';

interface DeleteTaskDialogProps {
  /** `null` while the dialog is closed. */
  task: Task | null;
  onClose: () => void;
  /** The dialog has left the page. */
  onClosed: () => void;
}

export function DeleteTaskDialog({ task, onClose, onClosed }: DeleteTaskDialogProps) {
  const { remove } = useTaskCommands();
  return (
    <Dialog opened={task !== null} onClose={onClose} onExitTransitionEnd={onClosed} title="Delete task">
      {task !== null && (
        <>
          <Text style={{ overflowWrap: 'anywhere' }}>
            <strong>{task.title}</strong>
            {task.latestRun === null ? ' is deleted.' : ' and the conversations of its runs are deleted.'} This cannot
            be undone.
          </Text>
          {task.branch !== null && (
            <Text mt="xs" style={{ overflowWrap: 'anywhere' }}>
              Its branch <code>{task.branch}</code> and its folder stay in the project. Discard the changes first to
              remove them too.
            </Text>
          )}
          <Group justify="flex-end" gap="xs" mt="lg">
            <Button variant="default" onClick={onClose}>
              Keep
            </Button>
            <Button
              color="red.8"
              data-autofocus
              onClick={() => {
                void remove(task);
                onClose();
              }}
            >
              Delete task
            </Button>
          </Group>
        </>
      )}
    </Dialog>
  );
}
