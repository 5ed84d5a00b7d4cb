/** The editor of the JSON view. Its code is loaded when the view is opened. */

import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useEffectEvent, useRef } from 'react';

import { codeTheme } from '../../files/editor/code-theme.ts';

import classes from './config.module.css';

interface TextEditorProps {
  value: string;
  isReadOnly: boolean;
  onChange: (value: string) => void;
  onSave: () => void;
}

export function TextEditor({ value, isReadOnly, onChange, onSave }: TextEditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const first = useRef(value);
  const isDark = useComputedColorScheme('light') === 'dark';
  const change = useEffectEvent(onChange);
  const save = useEffectEvent(onSave);

  useEffect(() => {
    if (parent.current === null) return;
    const language = new Compartment();
    const created = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          basics,
          keymap.of([{ key: 'Mod-s', preventDefault: true, run: () => (save(), true) }]),
          language.of([]),
          EditorState.readOnly.of(isReadOnly),
          codeTheme(isDark),
          EditorView.updateListener.of(({ docChanged, state }) => {
            if (docChanged) change(state.doc.toString());
          }),
        ],
      }),
    });
    view.current = created;
    const colour = async (): Promise<void> => {
      const json = await loadJson();
      if (view.current === created) created.dispatch({ effects: language.reconfigure(json) });
    };
    colour().catch(() => undefined); // the text is shown without colours
    return () => {
      first.current = created.state.doc.toString();
      view.current = null;
      created.destroy();
    };
  }, [isDark, isReadOnly]);

  // A text that comes from elsewhere, such as a version that is restored.
  useEffect(() => {
    const shown = view.current?.state.doc.toString();
    if (shown === undefined || shown === value) return;
    view.current?.dispatch({ changes: { from: 0, to: shown.length, insert: value } });
  }, [value]);

  return <div ref={parent} className={classes.editor} />;
}

const basics: Extension = [
  lineNumbers(),
  foldGutter(),
  history(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  highlightActiveLine(),
  search({ top: true }),
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({
    'aria-label': 'Configuration as JSON',
    'aria-description': 'Tab indents. Press Escape and then Tab to leave the editor.',
    spellcheck: 'false',
  }),
  keymap.of([indentWithTab, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...defaultKeymap]),
];

async function loadJson(): Promise<Extension> {
  const { languages } = await import('@codemirror/language-data');
  return (await languages.find(({ name }) => name === 'JSON')?.load()) ?? [];
}
