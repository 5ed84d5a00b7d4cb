/** Asks before an entry is deleted, and names it. */

import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';

import { readError } from '../../api/read-error.ts';
import { revealHidden } from '../reveal-hidden.ts';
import type { EntryActions } from '../use-entry-actions.ts';

interface DeleteEntryProps {
  path: string;
  isFolder: boolean;
  actions: EntryActions;
  onClose: () => void;
}

export function DeleteEntry({ path, isFolder, actions, onClose }: DeleteEntryProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isRunning, setRunning] = useState(false);
  const confirm = async (): Promise<void> => {
    setRunning(true);
    try {
      await actions.remove(path);
      onClose();
    } catch (error) {
      setProblem(readError(error).message);
      setRunning(false);
    }
  };
  return (
    <Stack gap="md">
      <Text style={{ overflowWrap: 'anywhere' }}>
        {isFolder ? 'The folder ' : 'The file '}
        <strong>{revealHidden(path)}</strong>
        {isFolder && (
          <>
            {' '}
            <strong>with everything in it</strong>
          </>
        )}
        {' is deleted from the volume of the project. This cannot be undone.'}
      </Text>
      {problem !== null && (
        <Text c="var(--mantine-color-error)" role="alert">
          {problem}
        </Text>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button color="red.8" loading={isRunning} onClick={() => void confirm()}>
          Delete
        </Button>
      </Group>
    </Stack>
  );
}
