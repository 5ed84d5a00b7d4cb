/** The notifications in the corner. A file of its own, because it is loaded after the first page. */

import { Notifications } from '@mantine/notifications';

export function Toasts() {
  return <Notifications position="bottom-right" limit={4} />;
}
