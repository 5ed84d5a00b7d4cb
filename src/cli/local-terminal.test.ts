import process from 'node:process';
import { PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { followSize, sizeOf, useKeys, watchForEnding } from './local-terminal.ts';
import type { Terminal } from './terminal.ts';

function fakeTerminal(size: { rows?: number; columns?: number } = { rows: 24, columns: 80 }) {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  const output = Object.assign(new PassThrough(), { isTTY: true, ...size });
  return { modes, input, output, terminal: { input, output, errors: new PassThrough() } satisfies Terminal };
}

const ignore = { onKeys: () => undefined, onGone: () => undefined };

describe('the terminal of a person', () => {
  it('passes on keys one by one, and is given back', async () => {
    const { terminal, input, output, modes } = fakeTerminal();
    const typed: string[] = [];
    const restore = useKeys(terminal, { ...ignore, onKeys: (text) => typed.push(text) });
    input.write('a\u0003');
    await expect.poll(() => typed).toEqual(['a\u0003']);
    restore({ isBroken: false });
    expect(modes).toEqual([true, false]);
    expect(output.read()).toBeNull();
  });

  it('leaves the alternate screen and shows the cursor when the connection was lost', () => {
    const { terminal, output, modes } = fakeTerminal();
    useKeys(terminal, ignore)({ isBroken: true });
    expect(modes.at(-1)).toBe(false);
    expect(String(output.read())).toContain('\u001b[?25h');
  });

  it('reports that it has gone', async () => {
    const { terminal, input } = fakeTerminal();
    let isGone = false;
    useKeys(terminal, { ...ignore, onGone: () => (isGone = true) });
    input.end();
    await expect.poll(() => isGone).toBe(true);
  });

  it('has a size, unless it does not know it', () => {
    const { terminal, output } = fakeTerminal({});
    expect(sizeOf(terminal)).toBeNull();
    const sizes: object[] = [];
    const stop = followSize(terminal, (size) => sizes.push(size));
    output.emit('resize');
    Object.assign(output, { rows: 5, columns: 6 });
    output.emit('resize');
    stop();
    output.emit('resize');
    expect(sizes).toEqual([{ rows: 5, cols: 6 }]);
  });

  it('ends with 128 and the number of the first signal', () => {
    const before = process.listenerCount('SIGTERM');
    const ending = watchForEnding();
    expect([ending.exitCode(), ending.signal.aborted]).toEqual([null, false]);
    process.listeners('SIGTERM').at(-1)?.('SIGTERM');
    ending.end(1);
    expect([ending.exitCode(), ending.signal.aborted]).toEqual([143, true]);
    ending.release();
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});
