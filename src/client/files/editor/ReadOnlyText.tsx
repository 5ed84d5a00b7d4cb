/** A text that can be read and searched, but not edited. */

import { EditorState } from '@codemirror/state';
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';

import { shownNameOf } from '../reveal-hidden.ts';
import { codeTheme } from './code-theme.ts';
import { textSearch } from './text-search.ts';
import { useWrapping } from './use-wrapping.ts';

import classes from './editor.module.css';

export function ReadOnlyText({ path, text }: { path: string; text: string }) {
  const parent = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<EditorView | null>(null);
  const [wrapsLines] = useWrapping();
  const isDark = useComputedColorScheme('light') === 'dark';
  useEffect(() => {
    if (parent.current === null) return;
    const extensions = [
      lineNumbers(),
      highlightSpecialChars(),
      textSearch,
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-label': `${shownNameOf(path)}, read-only` }),
      codeTheme(isDark),
      wrapsLines ? EditorView.lineWrapping : [],
    ];
    const created = new EditorView({ parent: parent.current, extensions });
    setView(created);
    return () => created.destroy();
  }, [path, isDark, wrapsLines]);
  useEffect(() => {
    if (view === null) return;
    // Further parts are appended, so that the place in the text stays.
    const { doc } = view.state;
    const isAppended = doc.length > 0 && text.startsWith(doc.sliceString(0, doc.length, '\n'));
    const changes = isAppended
      ? { from: doc.length, insert: text.slice(doc.length) }
      : { from: 0, to: doc.length, insert: text };
    view.dispatch({ changes });
  }, [view, text]);
  return <div ref={parent} className={classes.code} />;
}
