import { describe, expect, it } from 'vitest';

import { parseVerdict, reviewPrompt } from './ai-review.ts';

const block = (value: unknown) => `I have read it.\n\n\`\`\`json\n${JSON.stringify(value)}\n\`\`\`\n`;

describe('the verdict of a reviewer', () => {
  it('is the last block of JSON', () => {
    const comment = { path: 'a.ts', line: 3, text: 'It throws.' };
    const said = `${block({ decision: 'approve' })}On second thought:\n${block({
      decision: 'request-changes',
      summary: ' Not yet. ',
      comments: [comment, { text: 'No test.', line: 'x' }],
    })}`;
    expect(parseVerdict(said)).toEqual({
      decision: 'request-changes',
      summary: 'Not yet.',
      comments: [comment, { path: null, line: null, text: 'No test.' }],
    });
    expect(parseVerdict('{"decision":"approve"}')).toEqual({ decision: 'approve', summary: '', comments: [] });
  });

  it.each([
    '',
    'I approve.',
    block({ decision: 'maybe' }),
    block(['approve']),
    '```json\n{"decision": "app',
    block(null),
  ])('is not guessed from %j', (said) => expect(parseVerdict(said)).toBeNull());
});

describe('the prompt of a reviewer', () => {
  const file = { status: 'added', additions: 1, deletions: 0, hasPatch: true, isBinary: false } as const;
  const task = { title: 'Add a file', description: 'In the root.' };

  it('has the task, the files and as many changes as fit', () => {
    const files = [
      { ...file, path: 'a\nb' },
      { ...file, path: 'large' },
      { ...file, path: 'constructor' },
    ];
    const patches = { 'a\nb': '+one\n', large: 'x'.repeat(70_000) };
    const prompt = reviewPrompt({ task, changes: { files, fileCount: 3 }, patches });
    expect(prompt).toContain('Add a file\n\nIn the root.');
    expect(prompt).toContain('- "a\\nb" (added, +1 -0)');
    expect(prompt).toContain('+one\n');
    expect(prompt).toContain('Some of the changes');
    expect(prompt.length).toBeLessThan(5_000);
  });

  it('is bounded for any number of files', () => {
    const files = Array.from({ length: 5_000 }, (_, index) => ({ ...file, path: `file-${index}` }));
    const patches = Object.fromEntries(files.map(({ path }) => [path, `${path}\n`.repeat(20)]));
    const prompt = reviewPrompt({ task, changes: { files, fileCount: 9_000 }, patches });
    expect(prompt).toContain('Changed files (9000, the first 200 of them)');
    expect(prompt.length).toBeLessThan(75_000);
  });
});
