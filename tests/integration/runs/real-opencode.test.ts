/** Agent runs with the real OpenCode and a model that plays scenarios. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { TranscriptMessage } from '../../../src/shared/contract/tasks.ts';
import { applyOutput, type RunOutputEvent } from '../../../src/shared/sdk/client.ts';
import { hasOpenCode } from '../../support/opencode.ts';
import { startRunsSystem, type RunsSystem } from '../../support/runs-system.ts';

describe.runIf(hasOpenCode)('a run with the real OpenCode', { timeout: 60_000 }, () => {
  let system: RunsSystem;
  beforeAll(async () => {
    system = await startRunsSystem('127.99.4.2');
    system.startWorker();
  });
  afterAll(() => system?.stop());

  const textsOf = (messages: TranscriptMessage[]) =>
    messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));

  it('goes to its end, with live output, usage, diff and a transcript', async () => {
    const run = await system.start('work');
    const events: RunOutputEvent[] = [];
    for await (const event of system.client.runs.output(run.id)) events.push(event);
    expect(events.at(-1)).toEqual({ type: 'ended' });
    // The last snapshot is the transcript. Before it, the same texts came live.
    const live = events.slice(
      0,
      events.findLastIndex(({ type }) => type === 'snapshot'),
    );
    const shown = live.reduce<TranscriptMessage[]>((messages, event) => applyOutput(messages, event), []);
    expect(textsOf(shown)).toEqual(['Please play:work', 'The file is written.']);
    expect(live.map(({ type }) => type)).toEqual(expect.arrayContaining(['message', 'part', 'delta']));

    const ended = await system.client.runs.get(run.id);
    expect(ended).toMatchObject({ state: 'succeeded', pending: [], diff: { files: 1, additions: 2, deletions: 0 } });
    expect(ended.usage).toMatchObject({ inputTokens: 300, outputTokens: 60 });
    expect(readFileSync(join(system.openCode.repository, 'hello.txt'), 'utf8')).toBe('one\nthree\n');
    const { messages, truncated } = await system.client.runs.transcript(run.id);
    expect([textsOf(messages), truncated]).toEqual([['Please play:work', 'The file is written.'], false]);
    const tools = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool' ? [part] : [])));
    expect(tools).toMatchObject([
      { tool: 'write', status: 'completed', input: expect.stringContaining('hello.txt') as string },
      { tool: 'edit', status: 'completed' },
    ]);
    expect(await system.client.tasks.get(run.taskId)).toMatchObject({ state: 'HUMAN_REVIEW', latestRun: ended });
  });
});
