/** The form of a new project. It keeps its text when sending fails. */

import { Alert, Button, Group, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertCircle } from '@tabler/icons-react';
import { useState } from 'react';

import { readError } from '../api/read-error.ts';
import { placeError, projectFormRules, type ProjectFormValues } from './project-form-values.ts';

interface ProjectFormProps {
  initialValues: ProjectFormValues;
  /** Sends the form. It rejects with the error of the API, which the form shows at its field or above the fields. */
  onSubmit: (values: ProjectFormValues) => Promise<unknown>;
  onCancel: () => void;
  onValuesChange: (values: ProjectFormValues) => void;
}

export function ProjectForm(props: ProjectFormProps) {
  const { initialValues, onSubmit, onCancel, onValuesChange } = props;
  const [message, setMessage] = useState<string | null>(null);
  const form = useForm({
    initialValues,
    validate: projectFormRules,
    validateInputOnChange: true,
    onValuesChange,
  });

  async function send(values: ProjectFormValues): Promise<void> {
    setMessage(null);
    try {
      await onSubmit(values);
    } catch (error) {
      const placed = placeError(readError(error));
      form.setErrors(placed.fields);
      setMessage(placed.message);
    }
  }

  return (
    <form onSubmit={form.onSubmit(send)} noValidate>
      <Stack gap="md">
        {message !== null && (
          <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
            {message}
          </Alert>
        )}
        <TextInput
          label="Name"
          placeholder="my-project"
          withAsterisk
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('name')}
        />
        <Textarea
          label="Description"
          placeholder="What it is for"
          rows={3}
          resize="vertical"
          {...form.getInputProps('description')}
        />
        <TextInput
          label="Repository URL"
          placeholder="https://github.com/owner/repository"
          inputMode="url"
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps('repoUrl')}
        />
        <Group justify="flex-end" gap="xs" mt="xs">
          <Button variant="default" onClick={onCancel} disabled={form.submitting}>
            Cancel
          </Button>
          <Button type="submit" loading={form.submitting}>
            Create project
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
