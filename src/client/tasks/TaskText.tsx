/**
 * Title and description of a task, with a button that edits them in place. A saved text is shown at once. When the server
 * refuses it, the field opens again with the text and the reason.
 */

import { ActionIcon, Button, Group, Textarea, TextInput } from '@mantine/core';
import { IconPencil } from '@tabler/icons-react';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';

import type { Task } from '../../shared/contract/tasks.ts';
import { readError } from '../api/read-error.ts';
import { notifyFailure } from '../ui/notify.ts';
import { useKeyHint } from '../ui/use-key-hint.ts';
import { useMayChangeTasks, useTaskCommands } from './task-commands.ts';

import classes from './task-text.module.css';

type Field = 'title' | 'description';

export function TaskTitle({ task }: { task: Task }) {
  const edit = useTextEdit(task, 'title');
  if (edit.text === null) {
    return (
      <div className={classes.shown}>
        <h2 className={classes.title}>{task.title}</h2>
        <EditButton edit={edit} label="Edit the title" />
      </div>
    );
  }
  return (
    <EditForm edit={edit}>
      <TextInput
        {...edit.input}
        aria-label="Title"
        maxLength={200}
        onKeyDown={(event) => edit.onKeyDown(event, event.key === 'Enter')}
      />
    </EditForm>
  );
}

export function TaskDescription({ task }: { task: Task }) {
  const edit = useTextEdit(task, 'description');
  const keyHint = useKeyHint('Ctrl + Enter saves');
  if (edit.text === null) {
    return (
      <div className={classes.shown}>
        <p className={classes.description} data-empty={task.description === '' || undefined}>
          {task.description === '' ? 'No description. The agent reads the title only.' : task.description}
        </p>
        <EditButton edit={edit} label="Edit the description" />
      </div>
    );
  }
  return (
    <EditForm edit={edit}>
      <Textarea
        {...edit.input}
        aria-label="Description"
        description={keyHint}
        inputWrapperOrder={['input', 'description', 'error']}
        autosize
        minRows={3}
        maxRows={16}
        onKeyDown={(event) => edit.onKeyDown(event, event.key === 'Enter' && (event.ctrlKey || event.metaKey))}
      />
    </EditForm>
  );
}

type TextEdit = ReturnType<typeof useTextEdit>;

function useTextEdit(task: Task, field: Field) {
  const { update } = useTaskCommands();
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [wasEdited, setWasEdited] = useState(false);
  const isMounted = useRef(false);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);

  const close = (): void => {
    setText(null);
    setProblem(null);
  };
  const save = (): void => {
    if (text === null) return;
    if (field === 'title' && text.trim() === '') {
      setProblem('Enter a title.');
      return;
    }
    close();
    if (text === task[field]) return;
    update(task, { [field]: text }).catch((error: unknown) => {
      if (!isMounted.current) {
        notifyFailure(`The ${field} of “${task.title}” was not changed`, error);
        return;
      }
      const { fields, message } = readError(error);
      setText(text);
      setProblem(fields[field] ?? message);
    });
  };
  return {
    /** What was typed; `null` while the field is not edited. */
    text,
    /** When editing ends, the focus returns to the button that started it. */
    wasEdited,
    begin: () => {
      setWasEdited(true);
      setText(task[field]);
    },
    close,
    save,
    onKeyDown: (event: KeyboardEvent, isSaved: boolean): void => {
      if (event.key !== 'Escape' && !isSaved) return;
      event.preventDefault();
      event.stopPropagation();
      if (isSaved) save();
      else close();
    },
    input: {
      value: text ?? '',
      error: problem,
      autoFocus: true,
      autoComplete: 'off',
      onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) => {
        setText(value);
        setProblem(null);
      },
    },
  };
}

function EditButton({ edit, label }: { edit: TextEdit; label: string }) {
  if (!useMayChangeTasks()) return null;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={26}
      // oxlint-disable-next-line jsx-a11y/no-autofocus -- the field that had the focus has gone
      autoFocus={edit.wasEdited}
      aria-label={label}
      onClick={edit.begin}
    >
      <IconPencil size={15} stroke={1.7} />
    </ActionIcon>
  );
}

function EditForm({ edit, children }: { edit: TextEdit; children: ReactNode }) {
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        edit.save();
      }}
    >
      {children}
      <Group gap="xs">
        <Button type="submit" size="compact-xs">
          Save
        </Button>
        <Button size="compact-xs" variant="default" onClick={edit.close}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
