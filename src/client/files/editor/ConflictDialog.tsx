/** The dialog for a file that was changed here and on the volume: both texts side by side, and three ways on. */

import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { MergeView } from '@codemirror/merge';
import { EditorState, type Text } from '@codemirror/state';
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import { Button, Modal, useComputedColorScheme } from '@mantine/core';
import { useMounted } from '@mantine/hooks';
import { useEffect, useEffectEvent, useRef, useState } from 'react';

import { useFiles } from '../files-context.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import { codeTheme } from './code-theme.ts';
import type { Outside, TextFile } from './open-files.ts';

import classes from './editor.module.css';

export function ConflictDialog({ file }: { file: TextFile | null }) {
  const { store } = useFiles();
  const mounted = useMounted();
  const close = (): void => {
    if (file !== null) store.dispatch({ type: 'conflict-closed', path: file.path });
  };
  return (
    <Modal
      opened={file !== null && mounted}
      onClose={close}
      size="min(1200px, 94vw)"
      title={file === null ? '' : `“${shownNameOf(file.path)}” was changed outside`}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {file !== null && file.outside !== null && (
        <ConflictBody key={`${file.path} ${file.version}`} file={file} outside={file.outside} />
      )}
    </Modal>
  );
}

function ConflictBody({ file, outside }: { file: TextFile; outside: Outside }) {
  const { store, announce } = useFiles();
  const { path } = file;
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<MergeView | null>(null);
  const isDark = useComputedColorScheme('light') === 'dark';
  // What the person compares and decides about. The file may change again while the dialog is open.
  const [known] = useState(outside);
  const isDeleted = known.kind === 'deleted';
  // The texts at the moment of the conflict: the person compares these two.
  const texts = useRef({ mine: file.current, theirs: known.kind === 'changed' ? known.text : null });

  // What is typed here is kept as an edit of the file, however the dialog is closed.
  const keep = useEffectEvent((text: Text) => store.dispatch({ type: 'edited', path, text }));
  useEffect(() => {
    const { mine, theirs } = texts.current;
    if (parent.current === null || theirs === null) return;
    const common = [lineNumbers(), highlightSpecialChars(), codeTheme(isDark), EditorView.lineWrapping];
    const created = new MergeView({
      parent: parent.current,
      a: {
        doc: theirs,
        extensions: [common, EditorState.readOnly.of(true), labelled('The text on the volume, read-only')],
      },
      b: {
        doc: view.current?.b.state.doc ?? mine, // another colour scheme keeps what was typed
        extensions: [
          common,
          history(),
          keymap.of([...historyKeymap, ...defaultKeymap]),
          labelled('Your text'),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) keep(state.doc);
          }),
        ],
      },
      revertControls: 'a-to-b',
      renderRevertControl: takeChunkButton,
      collapseUnchanged: { margin: 3, minSize: 6 },
      gutter: true,
    });
    view.current = created;
    return () => created.destroy();
  }, [isDark]);

  const saveAs = (event: { type: 'kept' } | { type: 'merged' }): void => {
    const text = view.current?.b.state.doc ?? file.current;
    if (event.type === 'kept') store.dispatch({ type: 'edited', path, text: texts.current.mine });
    store.dispatch(event.type === 'kept' ? { type: 'kept', path, known } : { type: 'merged', path, known, text });
    announce('Saving your text.');
    void store.save(path);
  };
  return (
    <>
      <p className={classes.conflictText}>
        {isDeleted
          ? 'Somebody or something deleted this file after you opened it. You can create it again with your text.'
          : 'Somebody or something changed this file after you opened it. Nothing is lost yet. You can edit your text on the right, and take single changes over with the arrows.'}
      </p>
      {!isDeleted && (
        <>
          <div className={classes.mergeHeads} aria-hidden="true">
            <span>On the volume</span>
            <span>Your text</span>
          </div>
          <div ref={parent} className={classes.merge} />
        </>
      )}
      <div className={classes.conflictActions}>
        <Button
          variant="default"
          onClick={() => {
            store.dispatch({ type: 'discarded', path });
            announce('The text of the volume is shown.');
          }}
        >
          {isDeleted ? 'Discard my text' : 'Take the other text'}
        </Button>
        <Button variant="default" onClick={() => saveAs({ type: 'kept' })}>
          {isDeleted ? 'Create the file again' : 'Keep my text'}
        </Button>
        {!isDeleted && <Button onClick={() => saveAs({ type: 'merged' })}>Save the text on the right</Button>}
      </div>
    </>
  );
}

const labelled = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label });

function takeChunkButton(): HTMLElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = '→';
  button.title = 'Take this change over';
  button.setAttribute('aria-label', 'Take this change over');
  return button;
}
