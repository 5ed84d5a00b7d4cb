import { describe, expect, it } from 'vitest';

import { toolLine } from './tool-line.ts';

describe('the line of a tool', () => {
  it('is the title, or the field of the input that says most', () => {
    expect(toolLine({ title: 'Read a.ts', input: '{"filePath":"b.ts"}' })).toBe('Read a.ts');
    expect(toolLine({ title: null, input: '{"description":"List","command":"ls -la\\necho"}' })).toBe('ls -la');
  });

  it('is empty when the input was cut or has no such field', () => {
    for (const input of ['{"command":"ls', '[]', 'null', '{"command":1}'])
      expect(toolLine({ title: null, input })).toBe('');
  });
});
