/** The dialogs of the Files tab. One is open at a time. */

import { Dialog } from '../../ui/Dialog.tsx';
import { useFiles, type FileDialog } from '../files-context.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import type { EntryActions } from '../use-entry-actions.ts';
import { CloseFile } from './CloseFile.tsx';
import { DeleteEntry } from './DeleteEntry.tsx';
import { NameEntry } from './NameEntry.tsx';

interface FileDialogsProps {
  dialog: FileDialog | null;
  actions: EntryActions;
}

export function FileDialogs({ dialog, actions }: FileDialogsProps) {
  const { ask } = useFiles();
  const close = (): void => ask(null);
  const isOurs = dialog !== null && dialog.type !== 'quick-open';
  return (
    <Dialog opened={isOurs} onClose={close} title={isOurs ? titleOf(dialog) : ''}>
      {isOurs && <DialogBody key={`${dialog.type} ${dialog.path}`} dialog={dialog} actions={actions} onClose={close} />}
    </Dialog>
  );
}

type OurDialog = Exclude<FileDialog, { type: 'quick-open' }>;

function titleOf({ type, path }: OurDialog): string {
  switch (type) {
    case 'new-file':
      return 'New file';
    case 'new-folder':
      return 'New folder';
    case 'rename':
      return `Rename “${shownNameOf(path)}”`;
    case 'copy':
      return `Copy “${shownNameOf(path)}”`;
    case 'delete':
      return `Delete “${shownNameOf(path)}”?`;
    case 'close':
      return `Save the changes to “${shownNameOf(path)}”?`;
  }
}

interface DialogBodyProps {
  dialog: OurDialog;
  actions: EntryActions;
  onClose: () => void;
}

function DialogBody({ dialog, actions, onClose }: DialogBodyProps) {
  switch (dialog.type) {
    case 'delete':
      return <DeleteEntry path={dialog.path} isFolder={dialog.isFolder} actions={actions} onClose={onClose} />;
    case 'close':
      return <CloseFile path={dialog.path} onClose={onClose} />;
    case 'new-file':
    case 'new-folder':
    case 'rename':
    case 'copy':
      return <NameEntry dialog={dialog} actions={actions} onClose={onClose} />;
  }
}
