/** The form that creates a task, and starts it at once if the person wants that. */

import { Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useTaskActions } from './use-task-actions.ts';

import classes from './tasks-tab.module.css';

interface NewTaskProps {
  projectId: string;
  onClose: () => void;
  onCreated: (taskId: string) => void;
}

/** Each opening has one idempotency key, so sending the form twice creates one task. */
export function NewTask({ projectId, onClose, onCreated }: NewTaskProps) {
  const [title, setTitle] = useState('');
  const [description, setDescription] = useState('');
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const create = trpc.tasks.create.useMutation();
  const { start } = useTaskActions();
  const failure = create.error === null ? null : readError(create.error);
  const fields = failure?.fields ?? {};

  async function submit(isStarted: boolean): Promise<void> {
    try {
      const task = await create.mutateAsync({ projectId, title, description, idempotencyKey });
      if (isStarted) start(task);
      onCreated(task.id);
      onClose();
    } catch {
      // The form shows the error, and keeps the text.
    }
  }

  return (
    <form
      className={classes.form}
      aria-label="New task"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(true);
      }}
    >
      <Stack gap="sm">
        <TextInput
          label="Title"
          required
          withAsterisk={false}
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the person has just asked for this form
          autoFocus
          maxLength={200}
          value={title}
          error={fields['title'] ?? (Object.keys(fields).length === 0 ? failure?.message : null)}
          onChange={(event) => setTitle(event.currentTarget.value)}
        />
        <Textarea
          label="What is to be done"
          placeholder="The agent reads this text. Name files, expected behaviour, and how to check it."
          autosize
          minRows={3}
          maxRows={14}
          value={description}
          error={fields['description']}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        <Group gap="xs">
          <Button type="submit" size="xs" loading={create.isPending}>
            Create and run
          </Button>
          <Button
            variant="default"
            size="xs"
            disabled={title.trim() === '' || create.isPending}
            onClick={() => void submit(false)}
          >
            Create
          </Button>
          <Button variant="subtle" color="gray" size="xs" onClick={onClose}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
