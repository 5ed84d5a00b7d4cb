/** Asks for the path of a new, renamed or copied entry. A path with slashes moves it, and makes folders where needed. */

import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';

import { readError } from '../../api/read-error.ts';
import type { FileDialog } from '../files-context.ts';
import { folderOf, joinPath, nameOf, nameOfCopy, problemOfPath } from '../paths.ts';
import type { EntryActions } from '../use-entry-actions.ts';

type NameDialog = Extract<FileDialog, { type: 'new-file' | 'new-folder' | 'rename' | 'copy' }>;

const buttons = { 'new-file': 'Create', 'new-folder': 'Create', rename: 'Rename', copy: 'Copy' } as const;

interface NameEntryProps {
  dialog: NameDialog;
  actions: EntryActions;
  onClose: () => void;
}

export function NameEntry({ dialog, actions, onClose }: NameEntryProps) {
  const [path, setPath] = useState(() => suggestion(dialog, actions.namesIn));
  const [problem, setProblem] = useState<string | null>(null);
  const [isRunning, setRunning] = useState(false);
  const submit = async (): Promise<void> => {
    const refusal = problemOfPath(path);
    setProblem(refusal);
    if (refusal !== null || isRunning) return;
    setRunning(true);
    try {
      await run(dialog, path, actions);
      onClose();
    } catch (error) {
      setProblem(readError(error).message);
      setRunning(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Stack gap="md">
        <TextInput
          label="Path in the project"
          value={path}
          error={problem}
          data-autofocus
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onFocus={({ currentTarget }) => selectStem(currentTarget, dialog)}
          onChange={(event) => {
            setPath(event.currentTarget.value);
            setProblem(null);
          }}
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isRunning}>
            {buttons[dialog.type]}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function suggestion({ type, path }: NameDialog, namesIn: EntryActions['namesIn']): string {
  if (type === 'new-file' || type === 'new-folder') return path === '' ? '' : `${path}/`;
  if (type === 'rename') return path;
  const folder = folderOf(path);
  return joinPath(folder, nameOfCopy(nameOf(path), new Set(namesIn(folder))));
}

/** Selects the part of the name that usually changes. */
function selectStem(input: HTMLInputElement, dialog: NameDialog): void {
  const { value } = input;
  const from = value.lastIndexOf('/') + 1;
  const dot = value.lastIndexOf('.');
  const isFolder = 'isFolder' in dialog && dialog.isFolder;
  input.setSelectionRange(from, !isFolder && dot > from ? dot : value.length);
}

function run({ type, path }: NameDialog, to: string, actions: EntryActions): Promise<void> {
  switch (type) {
    case 'new-file':
      return actions.createFile(to);
    case 'new-folder':
      return actions.createFolder(to);
    case 'rename':
      return to === path ? Promise.resolve() : actions.rename(path, to);
    case 'copy':
      return actions.copy(path, to);
  }
}
