/** The form of a new project. It keeps its text when sending fails. */

import { Alert, Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertCircle } from '@tabler/icons-react';
import { useState } from 'react';

import { allowanceText } from '../../shared/contract/allowance-text.ts';
import type { ProjectQuota } from '../../shared/contract/sizes.ts';
import { readError } from '../api/read-error.ts';
import { placeError, projectFormRules, type NewProjectValues } from './project-form-values.ts';
import { SizeCards } from './sizes/SizeCards.tsx';

interface ProjectFormProps {
  initialValues: NewProjectValues;
  /** Which sizes there are, and what can be created; `undefined` until it is known. */
  quota: ProjectQuota | undefined;
  /** The size that the person usually wants. */
  usualSize: string | null;
  /** Sends the form. It rejects with the error of the API, which the form shows at its field or above the fields. */
  onSubmit: (values: NewProjectValues) => Promise<unknown>;
  onCancel: () => void;
  onValuesChange: (values: NewProjectValues) => void;
}

export function ProjectForm(props: ProjectFormProps) {
  const { initialValues, quota, usualSize, onSubmit, onCancel, onValuesChange } = props;
  const [message, setMessage] = useState<string | null>(null);
  const form = useForm({
    initialValues,
    validate: projectFormRules,
    validateInputOnChange: true,
    onValuesChange,
  });

  async function send(values: NewProjectValues): Promise<void> {
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
        {quota !== undefined && (
          <Preflight
            quota={quota}
            size={form.values.size || usualSize || ''}
            onChange={(size) => form.setFieldValue('size', size)}
          />
        )}
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

/** The choice of a size, or what all projects of this installation meet. */
function Preflight(props: { quota: ProjectQuota; size: string; onChange: (size: string) => void }) {
  const { quota, size, onChange } = props;
  if (quota.sizes.length > 0) {
    return <SizeCards quota={quota} value={size === '' ? null : size} onChange={onChange} purpose="create" />;
  }
  const { create } = quota.default;
  const text = allowanceText(create, null);
  return text === null ? null : (
    <Text size="sm" c={create.refusal === null ? 'dimmed' : 'var(--mantine-color-error)'} aria-live="polite">
      {text}
    </Text>
  );
}
