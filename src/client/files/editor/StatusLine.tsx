/** The line below the editor: the place of the cursor, what kind of text it is, and whether it is saved. */

import { Button, Switch } from '@mantine/core';

import { keyLabels } from '../../palette/key-labels.ts';
import type { Cursor } from './editor-session.ts';
import { isUnsaved, type TextFile } from './open-files.ts';

import classes from './editor.module.css';

interface StatusLineProps {
  file: TextFile;
  cursor: Cursor;
  language: string | null;
  wrapsLines: boolean;
  onWrap: (wraps: boolean) => void;
  onSave: () => void;
}

export function StatusLine({ file, cursor, language, wrapsLines, onWrap, onSave }: StatusLineProps) {
  const unsaved = isUnsaved(file);
  return (
    <div className={classes.status}>
      <span className={classes.saveState} data-problem={file.problem !== null || undefined}>
        {saveState(file)}
      </span>
      <span className={classes.facts}>
        <span>
          Line {cursor.line}, column {cursor.column}
        </span>
        {language !== null && <span>{language}</span>}
        <span>{file.lineEnding === '\r\n' ? 'CRLF' : 'LF'}</span>
      </span>
      <Switch
        size="xs"
        label="Wrap lines"
        checked={wrapsLines}
        onChange={(event) => onWrap(event.currentTarget.checked)}
      />
      <Button
        size="compact-xs"
        variant={unsaved ? 'filled' : 'default'}
        loading={file.saving === 'running'}
        aria-disabled={!unsaved}
        data-disabled={!unsaved}
        aria-keyshortcuts="Control+S Meta+S"
        title={keyLabels(['mod+s']).join('')}
        onClick={onSave}
      >
        Save
      </Button>
    </div>
  );
}

function saveState(file: TextFile): string {
  if (file.problem !== null) return `Not saved. ${file.problem}`;
  if (file.saving === 'waiting') return 'Saved as soon as the project can be reached';
  if (file.saving === 'running') return 'Saving…';
  return isUnsaved(file) ? 'Unsaved changes' : 'Saved';
}
