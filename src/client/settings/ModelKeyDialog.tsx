/** The dialog that takes the user's own key for a provider. The key is sent once, and nothing ever shows it again. */

import '../configure-zod.ts';
import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertCircle } from '@tabler/icons-react';

import { setModelKeyInputSchema, type ModelProvider } from '../../shared/contract/models.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone } from '../ui/notify.ts';

interface ModelKeyDialogProps {
  provider: ModelProvider;
  onClose: () => void;
}

export function ModelKeyDialog({ provider, onClose }: ModelKeyDialogProps) {
  const utils = trpc.useUtils();
  // Removes the key from the mutation cache when the dialog is unmounted.
  const setKey = trpc.models.setKey.useMutation({ gcTime: 0, onSuccess: () => utils.models.providers.invalidate() });
  const form = useForm({
    initialValues: { key: '' },
    validate: {
      key: (text) => setModelKeyInputSchema.shape.key.safeParse(text).error?.issues[0]?.message ?? null,
    },
  });
  const refusal = setKey.error === null ? null : readError(setKey.error);
  const close = (): void => {
    if (!setKey.isPending) onClose();
  };
  const submit = ({ key }: { key: string }): void =>
    setKey.mutate(
      { provider: provider.id, key: key.trim() },
      {
        onSuccess() {
          notifyDone(`Your key for ${provider.name} is stored.`);
          onClose();
        },
      },
    );
  return (
    <Dialog opened onClose={close} title={`Your key for ${provider.name}`} closeOnClickOutside={false}>
      <form onSubmit={form.onSubmit(submit)} noValidate>
        <Stack gap="md">
          {refusal !== null && refusal.fields['key'] === undefined && (
            <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
              {refusal.message}
            </Alert>
          )}
          <TextInput
            label="Key"
            withAsterisk
            data-autofocus
            autoComplete="off"
            type="password"
            {...form.getInputProps('key')}
            error={form.errors['key'] ?? refusal?.fields['key']}
          />
          <Text size="sm" c="dimmed">
            It is stored encrypted, used for your projects alone, and not checked with {provider.name} now. A project
            that runs offers a new provider after its next start. A replaced key counts with the next request.
          </Text>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} disabled={setKey.isPending}>
              Cancel
            </Button>
            <Button type="submit" loading={setKey.isPending}>
              Store key
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
