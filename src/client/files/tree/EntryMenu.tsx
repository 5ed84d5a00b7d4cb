/** The menu of an entry of the tree, at the place of the pointer or of the row. */

import { Menu } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import {
  IconCopy,
  IconDownload,
  IconFilePlus,
  IconFolderPlus,
  IconPencil,
  IconTrash,
  IconUpload,
} from '@tabler/icons-react';

import { downloadUrl } from '../download.ts';
import { useFiles } from '../files-context.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import { addUploads } from '../upload/add-uploads.ts';
import { chooseFiles } from '../upload/choose-files.ts';

import classes from './tree.module.css';

export interface MenuPlace {
  path: string;
  isFolder: boolean;
  x: number;
  y: number;
}

interface EntryMenuProps {
  place: MenuPlace | null;
  onClose: () => void;
  returnFocus: () => void;
}

const iconProps = { size: 15, stroke: 1.6 };

export function EntryMenu({ place, onClose, returnFocus }: EntryMenuProps) {
  const mounted = useMounted();
  return (
    <Menu
      // Mounted again for each place: the menu does not follow a target that moves.
      key={place === null ? 'closed' : `${place.path} ${place.x} ${place.y}`}
      opened={place !== null && mounted}
      onChange={(opened) => {
        if (!opened) onClose();
      }}
      onExitTransitionEnd={returnFocus}
      position="bottom-start"
      width={190}
      shadow="md"
      offset={2}
      returnFocus={false}
      transitionProps={{ duration: 0 }}
      withInitialFocusPlaceholder={false}
    >
      <Menu.Target>
        <span className={classes.anchor} style={{ left: place?.x ?? 0, top: place?.y ?? 0 }} aria-hidden="true" />
      </Menu.Target>
      <Menu.Dropdown aria-label={place === null ? undefined : `Actions for ${shownNameOf(place.path)}`}>
        {place !== null && <EntryItems {...place} returnFocus={returnFocus} />}
      </Menu.Dropdown>
    </Menu>
  );
}

function EntryItems({ path, isFolder, returnFocus }: MenuPlace & { returnFocus: () => void }) {
  const { ask, project, mayWrite, uploads, announce } = useFiles();
  const upload = async (): Promise<void> => addUploads(uploads, { folder: path, files: await chooseFiles(), announce });
  const download = (
    <Menu.Item
      leftSection={<IconDownload {...iconProps} />}
      component="a"
      href={downloadUrl(project.id, path, isFolder)}
      download
      onClick={returnFocus}
    >
      {isFolder ? 'Download as archive' : 'Download'}
    </Menu.Item>
  );
  if (!mayWrite) return download;
  return (
    <>
      {isFolder && (
        <>
          <Menu.Item leftSection={<IconFilePlus {...iconProps} />} onClick={() => ask({ type: 'new-file', path })}>
            New file…
          </Menu.Item>
          <Menu.Item leftSection={<IconFolderPlus {...iconProps} />} onClick={() => ask({ type: 'new-folder', path })}>
            New folder…
          </Menu.Item>
          <Menu.Item leftSection={<IconUpload {...iconProps} />} onClick={() => void upload()}>
            Upload files…
          </Menu.Item>
          <Menu.Divider />
        </>
      )}
      <Menu.Item leftSection={<IconPencil {...iconProps} />} onClick={() => ask({ type: 'rename', path, isFolder })}>
        Rename…
      </Menu.Item>
      <Menu.Item leftSection={<IconCopy {...iconProps} />} onClick={() => ask({ type: 'copy', path, isFolder })}>
        Copy…
      </Menu.Item>
      {download}
      <Menu.Divider />
      <Menu.Item
        leftSection={<IconTrash {...iconProps} />}
        c="var(--mantine-color-error)"
        onClick={() => ask({ type: 'delete', path, isFolder })}
      >
        Delete…
      </Menu.Item>
    </>
  );
}
