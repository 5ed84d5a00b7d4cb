/** The editor of a text file. */

import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';

import { useFiles } from '../files-context.ts';
import { createEditorSession, type Cursor, type EditorSession } from './editor-session.ts';
import type { TextFile } from './open-files.ts';
import { StatusLine } from './StatusLine.tsx';
import { useWrapping } from './use-wrapping.ts';

import classes from './editor.module.css';

export function TextEditor({ file }: { file: TextFile }) {
  const { store, place, editorFocus } = useFiles();
  const parent = useRef<HTMLDivElement>(null);
  const [session, setSession] = useState<EditorSession | null>(null);
  const [cursor, setCursor] = useState<Cursor>({ line: 1, column: 1 });
  const [language, setLanguage] = useState<string | null>(null);
  const [wrapsLines, setWrapsLines] = useWrapping();
  const isDark = useComputedColorScheme('light') === 'dark';

  useEffect(() => {
    if (parent.current === null) return;
    const created = createEditorSession({
      parent: parent.current,
      store,
      onSave: (saved) => void store.save(saved),
      onCursor: setCursor,
      onLanguage: setLanguage,
    });
    setSession(created);
    return () => {
      created.destroy();
      setSession(null);
    };
  }, [store]);
  useEffect(() => session?.configure({ wrapsLines, isDark }), [session, wrapsLines, isDark]);
  // The editor is a system outside of React: it takes over the text of each state of the file.
  useEffect(() => {
    if (session === null) return;
    session.show(file);
    if (editorFocus.take()) session.focus();
  }, [session, file, editorFocus]);
  const { line } = place;
  const { path } = file;
  useEffect(() => {
    if (session === null || line === null) return;
    session.goToLine(path, line);
    session.focus();
  }, [session, path, line]);

  return (
    <>
      <div ref={parent} className={classes.code} />
      <StatusLine
        file={file}
        cursor={cursor}
        language={language}
        wrapsLines={wrapsLines}
        onWrap={setWrapsLines}
        onSave={() => void store.save(path)}
      />
    </>
  );
}
