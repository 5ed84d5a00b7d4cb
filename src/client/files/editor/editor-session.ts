/**
 * The one editor of the tab. It shows the open texts one at a time, and keeps cursor, selection and history of each. A change
 * that comes from the volume is applied to the shown text as the few characters that differ.
 */

import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, LanguageDescription } from '@codemirror/language';
import { highlightSelectionMatches } from '@codemirror/search';
import {
  Annotation,
  Compartment,
  EditorSelection,
  EditorState,
  StateEffect,
  Transaction,
  type Extension,
} from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';

import { nameOf } from '../paths.ts';
import { shownNameOf } from '../reveal-hidden.ts';
import { codeTheme } from './code-theme.ts';
import type { FileStore } from './file-store.ts';
import { minimalChanges } from './minimal-changes.ts';
import type { TextFile } from './open-files.ts';
import { textSearch } from './text-search.ts';

export interface Cursor {
  line: number;
  column: number;
}

export interface EditorOptions {
  wrapsLines: boolean;
  isDark: boolean;
}

interface EditorSessionDeps {
  parent: HTMLElement;
  store: FileStore;
  onSave: (path: string) => void;
  onCursor: (cursor: Cursor) => void;
  onLanguage: (name: string | null) => void;
}

export type EditorSession = ReturnType<typeof createEditorSession>;

/** The text comes from the volume, and not from the person. */
const fromVolume = Annotation.define<true>();

const statusLinePx = 44;

export function createEditorSession({ parent, store, onSave, onCursor, onLanguage }: EditorSessionDeps) {
  const language = new Compartment();
  const wrapping = new Compartment();
  const theme = new Compartment();
  const label = new Compartment();
  const scrollPositions = new Map<string, ReturnType<EditorView['scrollSnapshot']>>();
  let shown: string | null = null;
  let options: EditorOptions = { wrapsLines: false, isDark: false };
  const view = new EditorView({ parent });

  const extensions: Extension = [
    basicExtensions,
    keymap.of([{ key: 'Mod-s', preventDefault: true, run: () => (shown !== null && onSave(shown), true) }]),
    language.of([]),
    wrapping.of([]),
    theme.of([]),
    label.of([]),
    // The status line may lie over the end of the text.
    EditorView.scrollMargins.of(() => ({ bottom: statusLinePx })),
    EditorView.updateListener.of((update) => {
      const isOwn = update.transactions.some((one) => one.docChanged && one.annotation(fromVolume) === undefined);
      if (update.docChanged && isOwn && shown !== null) {
        store.dispatch({ type: 'edited', path: shown, text: update.state.doc });
      }
      if (update.selectionSet || update.docChanged) onCursor(cursorOf(update.state));
    }),
  ];

  const configured = () => [
    wrapping.reconfigure(options.wrapsLines ? EditorView.lineWrapping : []),
    theme.reconfigure(codeTheme(options.isDark)),
    label.reconfigure(EditorView.contentAttributes.of(ariaAttributes(shown ?? ''))),
  ];

  function leave(): void {
    if (shown === null) return;
    if (store.get().some(({ path }) => path === shown)) {
      store.states.set(shown, view.state);
      scrollPositions.set(shown, view.scrollSnapshot());
    }
    shown = null;
  }

  async function loadLanguage(path: string): Promise<void> {
    const { languages } = await import('@codemirror/language-data');
    const description = LanguageDescription.matchFilename(languages, nameOf(path));
    if (shown === path) onLanguage(description?.name ?? null);
    const support = await description?.load();
    if (shown === path) view.dispatch({ effects: language.reconfigure(support ?? []) });
  }

  return {
    /** Shows a text, at the cursor and the scroll position that it was left with. */
    show(file: TextFile): void {
      if (shown === file.path) return this.update(file);
      leave();
      const held = store.states.get(file.path);
      shown = file.path;
      // The held state may be from an earlier editor. The new extensions keep its text, selection and history.
      view.setState(
        held?.update({ effects: StateEffect.reconfigure.of(extensions) }).state ??
          EditorState.create({ doc: file.current, extensions }),
      );
      view.dispatch({ effects: configured() });
      this.update(file);
      const scrollPosition = scrollPositions.get(file.path);
      if (scrollPosition !== undefined) view.dispatch({ effects: scrollPosition });
      onCursor(cursorOf(view.state));
      onLanguage(null);
      loadLanguage(file.path).catch(() => undefined); // the text is shown without colours
    },
    /** Applies what has changed in the text outside of the editor. */
    update(file: TextFile): void {
      const changes = minimalChanges(view.state.doc, file.current);
      if (changes.length === 0) return;
      view.dispatch({ changes, annotations: [fromVolume.of(true), Transaction.addToHistory.of(false)] });
    },
    configure(changed: EditorOptions): void {
      options = changed;
      view.dispatch({ effects: configured() });
    },
    /** Puts the cursor at the beginning of a line of the shown text. */
    goToLine(path: string, number: number): void {
      if (path !== shown) return;
      const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
      view.dispatch({
        selection: EditorSelection.cursor(line.from),
        effects: EditorView.scrollIntoView(line.from, { y: 'center' }),
      });
    },
    focus: () => view.focus(),
    destroy(): void {
      leave();
      view.destroy();
    },
  };
}

const basicExtensions: Extension = [
  lineNumbers(),
  foldGutter(),
  highlightSpecialChars(),
  history(),
  drawSelection(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  bracketMatching(),
  rectangularSelection(),
  highlightActiveLine(),
  highlightActiveLineGutter(),
  highlightSelectionMatches(),
  textSearch,
  keymap.of([indentWithTab, ...historyKeymap, ...foldKeymap, ...defaultKeymap]),
];

const ariaAttributes = (path: string): Record<string, string> => ({
  'aria-label': shownNameOf(path),
  'aria-description': 'Tab indents. Press Escape and then Tab to leave the editor.',
  spellcheck: 'false',
  autocapitalize: 'off',
  autocorrect: 'off',
});

function cursorOf(state: EditorState): Cursor {
  const { head } = state.selection.main;
  const line = state.doc.lineAt(head);
  return { line: line.number, column: head - line.from + 1 };
}
