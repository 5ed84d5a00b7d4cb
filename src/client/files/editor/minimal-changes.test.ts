import { ChangeSet, EditorSelection, EditorState, Text } from '@codemirror/state';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { minimalChanges } from './minimal-changes.ts';

const textOf = (content: string) => Text.of(content.split('\n'));

describe('the changes between two texts', () => {
  it('turn the first into the second', () => {
    const content = fc.array(fc.constantFrom('a', 'b', 'c\n', '\n', 'dd', '日'), { maxLength: 40 });
    fc.assert(
      fc.property(content, content, (one, other) => {
        const [before, after] = [textOf(one.join('')), textOf(other.join(''))];
        const changes = ChangeSet.of(minimalChanges(before, after), before.length);
        expect(changes.apply(before).toString()).toBe(after.toString());
      }),
    );
  });

  it('touch only the lines that differ, so that the cursor stays', () => {
    const before = textOf('one\ntwo\nthree\nfour');
    const after = textOf('zero\none\ntwo\n3\nfour');
    const cursor = EditorSelection.cursor(before.line(2).from + 1);
    const state = EditorState.create({ doc: before, selection: cursor });
    const { state: next } = state.update({ changes: minimalChanges(before, after) });
    expect(next.selection.main.head).toBe(after.line(3).from + 1);
  });

  it('leave the lines alone that stay between large changes', () => {
    const block = (name: string) => Array.from({ length: 100 }, (_, index) => `${name} ${index}`);
    const before = Text.of([...block('a'), 'kept', ...block('b'), 'kept too', 'end']);
    const after = Text.of([...block('x').slice(0, 60), 'kept', 'kept too', ...block('y'), 'end']);
    const changes = ChangeSet.of(minimalChanges(before, after), before.length);
    expect(changes.apply(before).eq(after)).toBe(true);
    const kept = before.toString().indexOf('kept\n');
    expect(changes.touchesRange(kept, kept + 4)).toBe(false);
  });

  it('are none for equal texts', () => {
    expect(minimalChanges(textOf('a\nb'), textOf('a\nb'))).toEqual([]);
  });

  it('are few in a text of 5 MB with two changes far from each other', () => {
    const lines = Array.from({ length: 100_000 }, (_, index) => `This is the line with the number ${index}, of many.`);
    const changed = lines.with(70_000, 'changed').toSpliced(10, 0, 'inserted');
    const [before, after] = [Text.of(lines), Text.of(changed)];
    const changes = minimalChanges(before, after);
    expect(changes.reduce((sum, { insert }) => sum + insert.length, 0)).toBeLessThan(100);
  });
});
