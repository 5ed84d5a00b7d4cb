/** The open files, as a list of buttons. Each shows whether it is unsaved, and can be closed. */

import { IconX } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';

import { useFiles } from '../files-context.ts';
import { folderOf, nameOf } from '../paths.ts';
import { revealHidden, shownNameOf } from '../reveal-hidden.ts';
import { isUnsaved, type OpenFiles } from './open-files.ts';

import classes from './editor.module.css';

export function OpenFileTabs({ files }: { files: OpenFiles }) {
  const { place, go, close } = useFiles();
  const list = useRef<HTMLUListElement>(null);
  const shown = place.file;
  useEffect(() => {
    if (shown === null) return;
    const tab = list.current?.querySelector(`[data-path="${CSS.escape(shown)}"]`);
    tab?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shown]);
  const names = files.map(({ path }) => nameOf(path));
  return (
    <ul ref={list} className={classes.tabs} aria-label="Open files">
      {files.map((file) => {
        const { path } = file;
        const unsaved = isUnsaved(file);
        const isAmbiguous = names.filter((name) => name === nameOf(path)).length > 1;
        return (
          <li
            key={path}
            className={classes.tab}
            data-path={path}
            data-shown={path === shown || undefined}
            data-missing={file.kind === 'missing' || undefined}
          >
            <button
              type="button"
              className={classes.tabName}
              aria-label={labelOf(path, { unsaved, isAmbiguous })}
              aria-current={path === shown ? 'page' : undefined}
              title={revealHidden(path)}
              onClick={() => go({ file: path, line: null })}
              onAuxClick={(event) => {
                if (event.button === 1) close(path);
              }}
            >
              {shownNameOf(path)}
              {isAmbiguous && folderOf(path) !== '' && (
                <span className={classes.tabFolder}>{revealHidden(folderOf(path))}</span>
              )}
            </button>
            <button
              type="button"
              className={classes.tabClose}
              data-unsaved={unsaved || undefined}
              aria-label={`Close ${shownNameOf(path)}`}
              onClick={() => close(path)}
            >
              <IconX size={13} stroke={2} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function labelOf(path: string, { unsaved, isAmbiguous }: { unsaved: boolean; isAmbiguous: boolean }): string {
  const folder = isAmbiguous ? folderOf(path) : '';
  return [shownNameOf(path), ...(folder === '' ? [] : [revealHidden(folder)]), ...(unsaved ? ['unsaved'] : [])].join(
    ', ',
  );
}
