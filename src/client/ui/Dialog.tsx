/** A modal dialog. It returns the focus when it closes, even if its code was loaded only when it was opened. */

import { Modal, type ModalProps } from '@mantine/core';
import { useMounted } from '@mantine/hooks';

type DialogProps = Pick<
  ModalProps,
  'opened' | 'onClose' | 'onExitTransitionEnd' | 'title' | 'children' | 'closeOnClickOutside'
>;

export function Dialog({ opened, ...props }: DialogProps) {
  // The first render is closed: a modal that is open when it mounts does not know where to return the focus.
  const mounted = useMounted();
  return <Modal {...props} opened={opened && mounted} closeButtonProps={{ 'aria-label': 'Close' }} />;
}
