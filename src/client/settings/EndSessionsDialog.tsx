/** The confirmation before several sessions are ended at once. */

import { Button, Group, Stack, Text } from '@mantine/core';

import { Dialog } from '../ui/Dialog.tsx';

const texts = {
  others: {
    title: 'Sign out other sessions',
    message: 'Every other browser and device has to sign in again. This one stays signed in.',
  },
  everywhere: {
    title: 'Sign out everywhere',
    message: 'Every browser and device has to sign in again, this one included. Access tokens keep working.',
  },
};

interface EndSessionsDialogProps {
  /** Which sessions; `null` while the dialog is closed. */
  scope: 'others' | 'everywhere' | null;
  onConfirm: () => void;
  onClose: () => void;
}

export function EndSessionsDialog({ scope, onConfirm, onClose }: EndSessionsDialogProps) {
  const { title, message } = texts[scope ?? 'everywhere'];
  return (
    <Dialog opened={scope !== null} onClose={onClose} title={title}>
      <Stack gap="md">
        <Text>{message}</Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            Cancel
          </Button>
          <Button color="red.8" onClick={onConfirm}>
            {title}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  );
}
