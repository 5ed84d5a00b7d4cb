import { Text } from '@codemirror/state';
import { describe, expect, it } from 'vitest';

import { fileNews } from './file-news.ts';
import { openFilesReducer, type OpenFile, type OpenFilesEvent, type ReadFile } from './open-files.ts';

const path = 'src/a.txt';
const textOf = (text: string, version: string): ReadFile => ({
  kind: 'text',
  text: Text.of([text]),
  lineEnding: '\n',
  version,
});
const opened: OpenFilesEvent[] = [
  { type: 'opened', path, draft: null },
  { type: 'read', path, file: textOf('one', 'v1') },
];
const edited: OpenFilesEvent = { type: 'edited', path, text: Text.of(['mine']) };
const readAgain: OpenFilesEvent = { type: 'read', path, file: textOf('two', 'v2') };
const saving: OpenFilesEvent = { type: 'save-started', path };

/** What the last event has to say. */
function newsOf(...events: OpenFilesEvent[]): string | null {
  const states: OpenFile[] = [];
  let files: readonly OpenFile[] = [];
  for (const event of [...opened, ...events]) {
    files = openFilesReducer(files, event);
    states.push(...files);
  }
  const [before, after] = states.slice(-2);
  return before && after ? (fileNews(before, after)?.message ?? null) : null;
}

describe('the news about a file', () => {
  it('are that it was saved, could not be saved, or is saved later', () => {
    expect(newsOf(edited, saving, { type: 'saved', path, version: 'v2', text: Text.of(['mine']) })).toBe('Saved.');
    expect(newsOf(edited, saving, { type: 'save-failed', path, message: 'The volume is full.' })).toBe(
      'Not saved. The volume is full.',
    );
    expect(newsOf(edited, saving, { type: 'save-waits', path })).toContain('as soon as the project can be reached');
    expect(newsOf(edited, saving)).toBeNull();
  });

  it('are that it was changed or deleted outside, with and without unsaved edits', () => {
    expect(newsOf(readAgain)).toContain('Its new text is shown.');
    expect(newsOf(edited, readAgain)).toContain('was changed outside of this editor, and you have unsaved changes.');
    expect(newsOf(edited, { type: 'read', path, file: { kind: 'missing' } })).toContain('was deleted outside');
    expect(newsOf({ type: 'read', path, file: { kind: 'missing' } })).toContain('was deleted or renamed.');
  });

  it('are nothing while a person types, and when the same text is read again', () => {
    expect(newsOf(edited)).toBeNull();
    expect(newsOf({ type: 'read', path, file: textOf('one', 'v1') })).toBeNull();
    expect(newsOf(edited, { type: 'discarded', path })).toBeNull();
  });
});
