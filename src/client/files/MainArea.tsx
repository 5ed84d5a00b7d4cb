/** The right side of the tab: the open files, or the changes of one file. */

import { ActionIcon, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconArrowsDiagonal, IconArrowsDiagonalMinimize2, IconFileText } from '@tabler/icons-react';

import { keyLabels } from '../palette/key-labels.ts';
import { useSingleKeys } from '../palette/single-keys.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { DiffView } from './changes/DiffView.tsx';
import { FileView } from './editor/FileView.tsx';
import { OpenFileTabs } from './editor/OpenFileTabs.tsx';
import { useOpenFiles } from './editor/use-open-files.ts';
import { useFiles } from './files-context.ts';
import { shownNameOf } from './reveal-hidden.ts';

import classes from './workspace.module.css';

const ConflictDialog = lazyPart(async () => (await import('./editor/ConflictDialog.tsx')).ConflictDialog);

interface MainAreaProps {
  isWide: boolean;
  onWide: (isWide: boolean) => void;
}

export function MainArea({ isWide, onWide }: MainAreaProps) {
  const { place, store } = useFiles();
  const files = useOpenFiles(store);
  const showsChanges = place.view === 'changes';
  const shown = files.find(({ path }) => path === place.file);
  const conflict = shown?.kind === 'text' && shown.isInConflict ? shown : null;
  const label = place.file === null ? 'No file is open' : shownNameOf(place.file);
  return (
    <section className={classes.main} aria-label={label}>
      <div className={classes.bar}>
        <BackButton />
        {showsChanges ? <span className={classes.barText}>Changes</span> : <OpenFileTabs files={files} />}
        <Tooltip label={isWide ? 'Show the page around' : 'Use the whole window'}>
          <ActionIcon
            className={classes.wide}
            variant="subtle"
            color="gray"
            aria-label="Use the whole window"
            aria-pressed={isWide}
            onClick={() => onWide(!isWide)}
          >
            {isWide ? (
              <IconArrowsDiagonalMinimize2 size={16} stroke={1.6} color="var(--mantine-color-dimmed)" />
            ) : (
              <IconArrowsDiagonal size={16} stroke={1.6} color="var(--mantine-color-dimmed)" />
            )}
          </ActionIcon>
        </Tooltip>
      </div>
      <div className={classes.content}>
        {place.file === null ? (
          <Nothing showsChanges={showsChanges} />
        ) : showsChanges ? (
          <DiffView key={place.file} path={place.file} />
        ) : (
          shown !== undefined && <FileView file={shown} />
        )}
      </div>
      {conflict !== null && <ConflictDialog file={conflict} />}
    </section>
  );
}

/** On a phone, list and file are two screens. */
function BackButton() {
  const { go, place } = useFiles();
  const label = { files: 'Back to the files', search: 'Back to the results', changes: 'Back to the changes' };
  return (
    <ActionIcon
      className={classes.back}
      variant="subtle"
      color="gray"
      size={44}
      aria-label={label[place.view]}
      onClick={() => go({ file: null, line: null })}
    >
      <IconArrowLeft size={18} stroke={1.7} />
    </ActionIcon>
  );
}

function Nothing({ showsChanges }: { showsChanges: boolean }) {
  const singleKeys = useSingleKeys();
  const { mayWrite } = useFiles();
  if (showsChanges) return <p className={classes.nothing}>Choose a file to see what has changed in it.</p>;
  const keys = [...keyLabels(['mod+p']), ...(singleKeys ? ['P'] : [])];
  return (
    <div className={classes.nothing}>
      <IconFileText size={26} stroke={1.3} aria-hidden="true" />
      <p>{mayWrite ? 'Choose a file to read and edit it.' : 'Choose a file to read it.'}</p>
      <p>
        {keys.map((key, index) => (
          <span key={key}>
            {index > 0 && ' or '}
            <kbd className={classes.key}>{key}</kbd>
          </span>
        ))}{' '}
        finds a file by its name.
      </p>
    </div>
  );
}
