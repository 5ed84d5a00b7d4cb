/** The dialog that creates a task, and starts it at once if the person wants that. A text that was not sent is kept. */

import { Button, Group, NativeSelect, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { z } from 'zod';

import type { Project } from '../../shared/contract/project.ts';
import { taskStates, type TaskPriority, type TaskState } from '../../shared/contract/tasks.ts';
import { readError } from '../api/read-error.ts';
import { createDraftStore } from '../projects/draft.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { NoModelNote } from './NoModelNote.tsx';
import { useTaskCommands } from './task-commands.ts';
import { isPriority, priorities, priorityLabels, stateLabels } from './task-list.ts';
import { usePending } from './use-pending.ts';

export interface NewTaskPlace {
  state: TaskState;
  place: 'top' | 'bottom';
}

interface NewTaskDialogProps {
  project: Pick<Project, 'id' | 'role'>;
  /** Where the task goes; `null` while the dialog is closed. */
  place: NewTaskPlace | null;
  onClose: () => void;
  /** A task was created and started. */
  onStarted: (taskId: string) => void;
}

export function NewTaskDialog({ place, onClose, ...props }: NewTaskDialogProps) {
  return (
    <Dialog opened={place !== null} onClose={onClose} title="New task">
      {place !== null && <NewTaskForm {...props} place={place} onClose={onClose} />}
    </Dialog>
  );
}

const draftSchema = z.object({ title: z.string(), description: z.string() });
/** Those that show their error. Every other error stands at the form. */
const shownFields = ['title', 'description'] as const;
const emptyDraft = { title: '', description: '' };

/** Each opening has one idempotency key, so sending the form twice creates one task. */
function NewTaskForm({ project, place, onClose, onStarted }: NewTaskDialogProps & { place: NewTaskPlace }) {
  const [drafts] = useState(() =>
    createDraftStore({ key: `${project.id}:new-task`, schema: draftSchema, storage: window.sessionStorage }),
  );
  const [draft, setDraft] = useState(() => drafts.read() ?? emptyDraft);
  const [state, setState] = useState(place.state);
  const [priority, setPriority] = useState<TaskPriority>('normal');
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const [error, setError] = useState<unknown>(null);
  const commands = useTaskCommands();
  const [create, isCreating] = usePending(commands.create);
  const failure = error === null ? null : readError(error);
  const fields = failure?.fields ?? {};
  const hasField = shownFields.some((field) => fields[field] !== undefined);
  const change = (changed: Partial<typeof draft>): void => {
    const next = { ...draft, ...changed };
    setDraft(next);
    drafts.write(next);
  };

  async function submit(isStarted: boolean): Promise<void> {
    setError(null);
    try {
      const task = await create({ ...draft, state, place: place.place, priority, idempotencyKey });
      drafts.clear();
      onClose();
      if (!isStarted) return;
      onStarted(task.id);
      await commands.start(task);
    } catch (refusal) {
      setError(refusal);
    }
  }

  return (
    <form
      aria-label="New task"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isCreating) void submit(true);
      }}
    >
      <Stack gap="sm">
        <NoModelNote project={project} />
        <TextInput
          label="Title"
          required
          withAsterisk={false}
          data-autofocus
          autoComplete="off"
          maxLength={200}
          value={draft.title}
          error={fields['title']}
          onChange={(event) => change({ title: event.currentTarget.value })}
        />
        <Textarea
          label="What is to be done"
          placeholder="The agent reads this text. Name files, expected behaviour, and how to check it."
          autosize
          minRows={4}
          maxRows={12}
          value={draft.description}
          error={fields['description']}
          onChange={(event) => change({ description: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
        <Group gap="sm" grow>
          <NativeSelect
            label="Column"
            size="xs"
            value={state}
            data={taskStates.map((value) => ({ value, label: stateLabels[value] }))}
            onChange={({ currentTarget: { value } }) => setState(taskStates.find((each) => each === value) ?? state)}
          />
          <NativeSelect
            label="Priority"
            size="xs"
            value={priority}
            data={priorities.toReversed().map((value) => ({ value, label: priorityLabels[value] }))}
            onChange={({ currentTarget: { value } }) => setPriority(isPriority(value) ? value : priority)}
          />
        </Group>
        {failure !== null && !hasField && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {failure.message}
          </Text>
        )}
        <Group gap="xs" mt="xs" justify="flex-end">
          <Button
            variant="subtle"
            color="gray"
            px="xs"
            onClick={() => {
              drafts.clear();
              onClose();
            }}
          >
            Cancel
          </Button>
          <Button variant="default" px="sm" disabled={isCreating} onClick={() => void submit(false)}>
            Create
          </Button>
          <Button type="submit" px="sm" loading={isCreating}>
            Create and run
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
