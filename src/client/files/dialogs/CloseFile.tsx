/** Asks what becomes of unsaved changes before a file is closed. */

import { Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';

import { isUnsaved } from '../editor/open-files.ts';
import { useFiles } from '../files-context.ts';

export function CloseFile({ path, onClose }: { path: string; onClose: () => void }) {
  const { store, close, isRunning } = useFiles();
  const [isSaving, setSaving] = useState(false);
  const save = async (): Promise<void> => {
    setSaving(true);
    await store.save(path);
    const file = store.get().find((each) => each.path === path);
    // A save that failed or found a conflict leaves the file open, where the person reads why.
    if (file !== undefined && !isUnsaved(file)) close(path, { isConfirmed: true });
    onClose();
  };
  return (
    <Stack gap="md">
      <Text>
        {isRunning
          ? 'Your changes are lost if you do not save them.'
          : 'The project is not running, so they cannot be saved now. Keep the file open to save it later.'}
      </Text>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Keep open
        </Button>
        <Button
          variant="default"
          c="var(--mantine-color-error)"
          onClick={() => {
            close(path, { isConfirmed: true });
            onClose();
          }}
        >
          Do not save
        </Button>
        {isRunning && (
          <Button loading={isSaving} onClick={() => void save()} data-autofocus>
            Save
          </Button>
        )}
      </Group>
    </Stack>
  );
}
