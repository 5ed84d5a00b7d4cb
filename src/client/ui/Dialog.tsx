import { Modal, type ModalProps } from '@mantine/core';
import { useMounted } from '@mantine/hooks';

export type DialogProps = Pick<ModalProps, 'opened' | 'onClose' | 'title' | 'children' | 'closeOnClickOutside'>;

/** A dialog over the page. Gives the focus back to where it was, also when it is loaded only as it opens. */
export function Dialog({ opened, ...props }: DialogProps) {
  // Closed in the very first moment: a dialog that is born open does not know where to return the focus.
  const mounted = useMounted();
  return <Modal {...props} opened={opened && mounted} closeButtonProps={{ 'aria-label': 'Close' }} />;
}
