/** The search panel of an editor. It finds the next match in a large text without stopping the page. */

import { getSearchQuery, search, searchKeymap, searchPanelOpen } from '@codemirror/search';
import { EditorSelection, Prec, type Extension } from '@codemirror/state';
import { EditorView, keymap, ViewPlugin } from '@codemirror/view';

import { findMatch, isPlain } from './find-match.ts';

/** Does what the commands of the editor do. Returns false for what is left to these, such as a pattern. */
function find(view: EditorView, isBackwards: boolean): boolean {
  const query = getSearchQuery(view.state);
  if (!searchPanelOpen(view.state) || !query.valid || !isPlain(query)) return false;
  const { from, to } = view.state.selection.main;
  const match = findMatch(view.state, query, isBackwards ? from : to, isBackwards);
  if (match === null) return true;
  const line = view.state.doc.lineAt(match.from);
  const text = line.text.slice(Math.max(match.from - line.from - 30, 0), match.to - line.from + 30);
  view.dispatch({
    selection: EditorSelection.single(match.from, match.to),
    effects: [
      EditorView.scrollIntoView(EditorSelection.range(match.from, match.to)),
      EditorView.announce.of(`Current match. ${text} on line ${line.number}.`),
    ],
    userEvent: 'select.search',
  });
  const field = fieldOf(view);
  if (field !== null && field === document.activeElement) field.select();
  return true;
}

const fieldOf = (view: EditorView) => view.dom.querySelector<HTMLInputElement>('.cm-search input[name="search"]');

const next = (view: EditorView): boolean => find(view, false);
const previous = (view: EditorView): boolean => find(view, true);
/** Enter in another field of the panel replaces. */
const inField = (act: (view: EditorView) => boolean) => (view: EditorView) =>
  document.activeElement === fieldOf(view) && act(view);

const keys = ['F3', 'Mod-g'].map((key) => ({ key, run: next, shift: previous, scope: 'editor search-panel' }));

/** The buttons of the panel call the commands of the editor. Their clicks are taken before. */
const buttons = ViewPlugin.define((view) => {
  const onClick = (event: MouseEvent): void => {
    if (!(event.target instanceof Element)) return;
    const name = event.target.closest<HTMLButtonElement>('.cm-search button')?.name;
    if ((name === 'next' && next(view)) || (name === 'prev' && previous(view))) event.stopPropagation();
  };
  view.dom.addEventListener('click', onClick, { capture: true });
  return { destroy: () => view.dom.removeEventListener('click', onClick, { capture: true }) };
});

export const textSearch: Extension = [
  search({ top: true }),
  Prec.high(
    keymap.of([{ key: 'Enter', run: inField(next), shift: inField(previous), scope: 'search-panel' }, ...keys]),
  ),
  keymap.of(searchKeymap),
  buttons,
];
