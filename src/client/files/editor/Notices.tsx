/** What a person has to know about the shown text: it was changed outside, or its edits are from before a reload. */

import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

import { useFiles } from '../files-context.ts';
import type { TextFile } from './open-files.ts';

import classes from './editor.module.css';

export function Notices({ file }: { file: TextFile }) {
  const { store } = useFiles();
  const { path, outside } = file;
  const discard = () => store.dispatch({ type: 'discarded', path });
  const keep = () => store.dispatch({ type: 'kept', path, known: outside });
  if (outside?.kind === 'deleted') {
    return (
      <Notice
        text="This file was deleted outside of this editor. Your unsaved text is still here."
        actions={[
          ['Keep my text', keep],
          ['Discard it', discard],
        ]}
      />
    );
  }
  if (outside !== null) {
    return (
      <Notice
        text="This file was changed outside of this editor, and you have unsaved changes."
        actions={[
          ['Compare', () => store.dispatch({ type: 'conflicted', path, outside })],
          ['Reload', discard],
          ['Keep my text', keep],
        ]}
      />
    );
  }
  if (!file.isRestored) return null;
  return (
    <Notice
      text="Your unsaved changes from before were restored."
      actions={[
        ['Keep them', keep],
        ['Discard them', discard],
      ]}
    />
  );
}

interface NoticeProps {
  text: ReactNode;
  actions: [label: string, act: () => void][];
}

function Notice({ text, actions }: NoticeProps) {
  return (
    <output className={classes.notice}>
      <span>{text}</span>
      <span className={classes.noticeActions}>
        {actions.map(([label, act]) => (
          <Button key={label} size="compact-xs" variant="default" onClick={act}>
            {label}
          </Button>
        ))}
      </span>
    </output>
  );
}
