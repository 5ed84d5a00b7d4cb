/** Shows notifications in the corner. Failures stay until they are dismissed; others close by themselves. */

import type { NotificationData } from '@mantine/notifications';
import type { ReactNode } from 'react';

import { readError } from '../api/read-error.ts';

export function notifyDone(message: string): void {
  void show({ message, color: 'teal', autoClose: 5000 });
}

/** A message with a button. It stays longer, so that the button can be reached. */
export function notifyWithAction(message: ReactNode): void {
  void show({ message, color: 'teal', autoClose: 20_000 });
}

/** `title` says what did not happen; the error says why. The end of a session is shown by the sign-in page instead. */
export function notifyFailure(title: string, error: unknown): void {
  const { code, message } = readError(error);
  if (code === 'UNAUTHENTICATED') return;
  void show({ title, message, color: 'red', autoClose: false, role: 'alert' });
}

async function show(notification: NotificationData): Promise<void> {
  const { notifications } = await import('@mantine/notifications');
  notifications.show({ withBorder: true, closeButtonProps: { 'aria-label': 'Dismiss' }, ...notification });
}
