import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { describe, expect, it } from 'vitest';

import { createLogFiles } from './log-files.ts';

function openLogs(onTestFinished: (clean: () => void) => void, maxBytes?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'log-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const logs = createLogFiles({ folder, ...(maxBytes === undefined ? {} : { maxBytes }) });
  const keyOf = (restartCount: number) => ({ uid: 'uid', container: 'main', restartCount });
  return {
    logs,
    folder,
    texts: (restartCount: number) => logs.read(keyOf(restartCount)).map(({ text }) => text),
    async write(restartCount: number, lines: string[]): Promise<void> {
      const writer = logs.open(keyOf(restartCount));
      const stream = Readable.from([Buffer.from(`${lines.join('\n')}\n`)]);
      writer.follow(stream, 'stdout');
      await finished(stream);
      writer.close();
    },
  };
}

describe('the log files of a container', () => {
  it('keep the current and the previous run', async ({ onTestFinished }) => {
    const { logs, texts, write } = openLogs(onTestFinished);
    for (const run of [0, 1, 2]) await write(run, [`run ${run}`]);
    expect([texts(0), texts(1), texts(2)]).toEqual([[], ['run 1'], ['run 2']]);
    logs.remove('uid');
    expect(texts(2)).toEqual([]);
  });

  it('give each line a later time than the one before', async ({ onTestFinished }) => {
    const { logs, write } = openLogs(onTestFinished);
    await write(
      0,
      Array.from({ length: 500 }, (_, number) => `line ${number}`),
    );
    const times = logs.read({ uid: 'uid', container: 'main', restartCount: 0 }).map(({ atMs }) => atMs);
    expect(times).toHaveLength(500);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? Infinity))).toBe(true);
  });

  it('can be read from a time on, without the lines long before it', async ({ onTestFinished }) => {
    const { logs, write } = openLogs(onTestFinished);
    await write(
      0,
      Array.from({ length: 5_000 }, (_, number) => `line ${number}`),
    );
    const key = { uid: 'uid', container: 'main', restartCount: 0 };
    const all = logs.read(key);
    const late = logs.read(key, all[4_900]?.atMs);
    expect(late.length).toBeLessThan(2_000);
    expect(late.slice(-100)).toEqual(all.slice(-100));
    expect(logs.read(key, all[10]?.atMs)).toEqual(all);
  });

  it('keep the newest lines of a run that writes more than the limit', async ({ onTestFinished }) => {
    const { folder, texts, write } = openLogs(onTestFinished, 4_000);
    await write(
      0,
      Array.from({ length: 1_000 }, (_, number) => `line ${number}`),
    );
    const kept = texts(0);
    expect(kept.length).toBeLessThan(120);
    expect(kept.at(-1)).toBe('line 999');
    expect(kept[0]).toBe(`line ${1_000 - kept.length}`);
    expect(readdirSync(join(folder, 'uid', 'main'))).toHaveLength(2);
  });
});
