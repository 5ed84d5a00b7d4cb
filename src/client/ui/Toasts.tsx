import { Notifications } from '@mantine/notifications';

/** Where short messages appear. A module of its own, because nobody needs it for the first sight of a page. */
export function Toasts() {
  return <Notifications position="bottom-right" limit={4} />;
}
