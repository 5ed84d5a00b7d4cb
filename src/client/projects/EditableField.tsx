/** A field of a project with an edit button. The button replaces the text by an input in the same place. */

import { ActionIcon, Button, Group, Textarea, TextInput } from '@mantine/core';
import { IconPencil } from '@tabler/icons-react';
import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { useFieldEdit, type ProjectField } from './use-field-edit.ts';
import { refusalOf } from './use-project-actions.ts';

import classes from './editable-field.module.css';

interface EditableFieldProps {
  project: Project;
  field: ProjectField;
  label: string;
  placeholder: string;
  /** The field while it is not edited. */
  children: ReactNode;
}

export function EditableField({ project, field, label, placeholder, children }: EditableFieldProps) {
  const edit = useFieldEdit(project, field);
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(edit.editing);
  const canEdit = refusalOf('update', project) === null;
  // When editing ends, the focus returns to the button that started it.
  useEffect(() => {
    if (wasEditing.current && !edit.editing) editButton.current?.focus();
    wasEditing.current = edit.editing;
  }, [edit.editing]);

  if (!edit.editing || !canEdit) {
    return (
      <div className={classes.root} data-field={field}>
        {children}
        {canEdit && (
          <ActionIcon
            ref={editButton}
            className={classes.editButton ?? ''}
            variant="subtle"
            color="gray"
            size={26}
            aria-label={`Edit the ${label.toLowerCase()}`}
            onClick={edit.begin}
          >
            <IconPencil size={15} stroke={1.7} />
          </ActionIcon>
        )}
      </div>
    );
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') edit.cancel();
    if (event.key === 'Enter' && (field !== 'description' || event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      edit.save();
    }
  };
  const input = {
    'aria-label': label,
    placeholder,
    value: edit.text,
    error: edit.problem,
    // oxlint-disable-next-line jsx-a11y/no-autofocus -- the user has just pressed the edit button
    autoFocus: true,
    autoComplete: 'off',
    onKeyDown,
  };
  return (
    <form
      className={classes.form}
      data-field={field}
      onSubmit={(event) => {
        event.preventDefault();
        edit.save();
      }}
    >
      {field === 'description' ? (
        <Textarea {...input} rows={3} resize="vertical" onChange={(event) => edit.change(event.currentTarget.value)} />
      ) : (
        <TextInput {...input} spellCheck={false} onChange={(event) => edit.change(event.currentTarget.value)} />
      )}
      <Group gap="xs" wrap="nowrap">
        <Button type="submit" size="xs">
          Save
        </Button>
        <Button size="xs" variant="default" onClick={edit.cancel}>
          Cancel
        </Button>
      </Group>
    </form>
  );
}
