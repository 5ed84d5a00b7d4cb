/** Short messages in the corner. Failures stay until they are read; the rest leaves by itself. */

import type { NotificationData } from '@mantine/notifications';

import { readError } from '../api/read-error.ts';

export function notifyDone(message: string): void {
  void show({ message, color: 'teal', autoClose: 5000 });
}

/** `title` says what did not happen; the error says why. Sign-in has a page of its own, so its end is not repeated. */
export function notifyFailure(title: string, error: unknown): void {
  const { code, message } = readError(error);
  if (code === 'UNAUTHENTICATED') return;
  void show({ title, message: message, color: 'red', autoClose: false, role: 'alert' });
}

async function show(notification: NotificationData): Promise<void> {
  const { notifications } = await import('@mantine/notifications');
  notifications.show({ withBorder: true, closeButtonProps: { 'aria-label': 'Dismiss' }, ...notification });
}
