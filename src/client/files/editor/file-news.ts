/** What a person who does not see the screen has to know about the shown file: saves, and changes from outside. */

import { shownNameOf } from '../reveal-hidden.ts';
import { isUnsaved, type OpenFile, type TextFile } from './open-files.ts';

export interface FileNews {
  kind: 'save' | 'outside';
  message: string;
}

/** What is new between two states of a file, or `null`. */
export function fileNews(before: OpenFile, after: OpenFile): FileNews | null {
  const name = `“${shownNameOf(after.path)}”`;
  if (before.kind !== 'text') return null;
  if (after.kind === 'missing') return { kind: 'outside', message: `${name} was deleted or renamed.` };
  if (after.kind !== 'text') return null;
  const message = saveMessage(before, after);
  if (message !== null) return { kind: 'save', message };
  if (before.outside === null && after.outside !== null) {
    const what = after.outside.kind === 'deleted' ? 'deleted' : 'changed';
    return { kind: 'outside', message: `${name} was ${what} outside of this editor, and you have unsaved changes.` };
  }
  // First what costs nothing: this runs with each typed character.
  if (before.version === after.version || before.outside !== null || after.outside !== null) return null;
  if (isUnsaved(before) || isUnsaved(after)) return null;
  return { kind: 'outside', message: `${name} was changed outside of this editor. Its new text is shown.` };
}

function saveMessage(before: TextFile, after: TextFile): string | null {
  if (after.isInConflict && !before.isInConflict) return 'The file was changed outside. Choose which text to keep.';
  if (after.problem !== null && before.problem === null) return `Not saved. ${after.problem}`;
  if (before.saving !== 'running' || after.saving === 'running') return null;
  return after.saving === 'waiting'
    ? 'The text is kept, and is saved as soon as the project can be reached.'
    : after.problem === null
      ? 'Saved.'
      : null;
}
