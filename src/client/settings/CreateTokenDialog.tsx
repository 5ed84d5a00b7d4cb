/** The dialog that creates an access token. It shows the secret once. */

import '../configure-zod.ts';
import { Alert, Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertCircle } from '@tabler/icons-react';
import { useState } from 'react';
import { z } from 'zod';

import { createTokenInputSchema } from '../../shared/contract/account.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { createDraftStore } from '../projects/draft.ts';
import { CopyIcon } from '../ui/CopyIcon.tsx';
import { Dialog } from '../ui/Dialog.tsx';

import classes from './settings.module.css';

const dayMs = 24 * 60 * 60 * 1000;

const lifetimes = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: '', label: 'No expiry' },
];

const draftSchema = z.object({ name: z.string(), days: z.string() });

interface CreateTokenDialogProps {
  opened: boolean;
  onClose: () => void;
}

export function CreateTokenDialog({ opened, onClose }: CreateTokenDialogProps) {
  const { clock } = useApp();
  const utils = trpc.useUtils();
  const [drafts] = useState(() =>
    createDraftStore({ key: 'new-token', schema: draftSchema, storage: window.sessionStorage }),
  );
  const create = trpc.tokens.create.useMutation({
    onSuccess({ token: _secret, ...listed }) {
      drafts.clear();
      utils.tokens.list.setData(undefined, (list) => (list === undefined ? list : [listed, ...list]));
    },
    // Removes the secret from the mutation cache when the dialog is unmounted.
    gcTime: 0,
  });
  const title = create.isSuccess ? 'Copy your new token' : 'New token';
  const close = (): void => {
    if (!create.isPending) onClose();
  };
  return (
    <Dialog opened={opened} onClose={close} title={title} closeOnClickOutside={!create.isSuccess}>
      {create.isSuccess ? (
        <NewToken secret={create.data.token} onClose={onClose} />
      ) : (
        <TokenForm
          pending={create.isPending}
          error={create.error}
          initialValues={drafts.read() ?? { name: '', days: '90' }}
          onValuesChange={drafts.write}
          onCancel={() => {
            drafts.clear();
            close();
          }}
          onSubmit={(name, days) =>
            create.mutate({
              name,
              expiresAt: days === '' ? null : new Date(clock.now() + Number(days) * dayMs).toISOString(),
            })
          }
        />
      )}
    </Dialog>
  );
}

interface TokenFormProps {
  pending: boolean;
  error: unknown;
  initialValues: z.infer<typeof draftSchema>;
  onValuesChange: (values: z.infer<typeof draftSchema>) => void;
  onCancel: () => void;
  onSubmit: (name: string, days: string) => void;
}

function TokenForm({ pending, error, initialValues, onValuesChange, onCancel, onSubmit }: TokenFormProps) {
  const form = useForm({
    initialValues,
    onValuesChange,
    validate: { name: (text) => createTokenInputSchema.shape.name.safeParse(text).error?.issues[0]?.message ?? null },
    validateInputOnChange: true,
  });
  const refusal = error === null ? null : readError(error);
  return (
    <form onSubmit={form.onSubmit(({ name, days }) => onSubmit(name.trim(), days))} noValidate>
      <Stack gap="md">
        {refusal !== null && refusal.fields['name'] === undefined && (
          <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
            {refusal.message}
          </Alert>
        )}
        <TextInput
          label="Name"
          placeholder="What uses it, for example “nightly script”"
          withAsterisk
          data-autofocus
          autoComplete="off"
          {...form.getInputProps('name')}
          error={form.errors['name'] ?? refusal?.fields['name']}
        />
        <NativeSelect label="Expires after" data={lifetimes} {...form.getInputProps('days')} />
        <Group justify="flex-end" gap="xs" mt="xs">
          <Button variant="default" onClick={onCancel} disabled={pending}>
            Cancel
          </Button>
          <Button type="submit" loading={pending}>
            Create token
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function NewToken({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Stack gap="md">
      <Text>The token is shown only once. Store it where you keep your passwords.</Text>
      <div className={classes.secret}>
        <code>{secret}</code>
        <CopyIcon value={secret} what="the token" />
      </div>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
