/** Two texts side by side, read-only, with their differences marked. Its code is loaded when it is shown. */

import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';

import { codeTheme } from '../../files/editor/code-theme.ts';

import classes from './config.module.css';

interface Side {
  label: string;
  text: string;
}

export function CompareTexts({ left, right }: { left: Side; right: Side }) {
  const parent = useRef<HTMLDivElement>(null);
  const isDark = useComputedColorScheme('light') === 'dark';
  const { label: leftLabel, text: leftText } = left;
  const { label: rightLabel, text: rightText } = right;

  useEffect(() => {
    if (parent.current === null) return;
    const side = (label: string, doc: string) => ({
      doc,
      extensions: [
        lineNumbers(),
        codeTheme(isDark),
        EditorView.lineWrapping,
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      ],
    });
    const view = new MergeView({
      parent: parent.current,
      a: side(leftLabel, leftText),
      b: side(rightLabel, rightText),
      collapseUnchanged: { margin: 3, minSize: 6 },
      gutter: true,
    });
    return () => view.destroy();
  }, [isDark, leftLabel, leftText, rightLabel, rightText]);

  return (
    <>
      <div className={classes.compareHeads} aria-hidden="true">
        <span>{leftLabel}</span>
        <span>{rightLabel}</span>
      </div>
      <div ref={parent} className={classes.compare} />
    </>
  );
}
