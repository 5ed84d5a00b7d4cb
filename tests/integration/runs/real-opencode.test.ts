/** Agent runs with the real OpenCode and a model that plays scenarios. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Run, TranscriptMessage } from '../../../src/shared/contract/tasks.ts';
import { createLog } from '../../../src/shared/node/log.ts';
import { applyOutput, type RunOutputEvent } from '../../../src/shared/sdk/client.ts';
import { applyAll } from '../../../src/worker/apply-configs.ts';
import { testAccessKeys } from '../../support/gateway-system.ts';
import { hasOpenCode } from '../../support/opencode.ts';
import { startRunsSystem, startTimeoutMs, withoutSnapshots, type RunsSystem } from '../../support/runs-system.ts';

const silent = createLog({ name: 'test', level: 'silent' });

describe.runIf(hasOpenCode)('a run with the real OpenCode', { timeout: 240_000 }, () => {
  let system: RunsSystem;
  beforeAll(async () => {
    system = await startRunsSystem('127.99.4.2');
    system.startWorker();
  }, startTimeoutMs);
  afterAll(() => system?.stop(), startTimeoutMs);

  const worktreeOf = ({ taskId }: Pick<Run, 'taskId'>) =>
    join(dirname(system.openCode.repository), '.worktrees', taskId);
  const author = ['-c', 'user.name=T', '-c', 'user.email=t@example.test'];
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: system.openCode.repository, encoding: 'utf8' }).trim();

  const textsOf = (messages: TranscriptMessage[]) =>
    messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])));

  it('goes to its end, with live output, usage, diff and a transcript', async () => {
    const run = await system.start('work', { title: 'Live' });
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
    expect(readFileSync(join(worktreeOf(run), 'hello.txt'), 'utf8')).toBe('one\nthree\n');
    expect(existsSync(join(system.openCode.repository, 'hello.txt'))).toBe(false);
    const { messages, truncated } = await system.client.runs.transcript(run.id);
    expect([textsOf(messages), truncated]).toEqual([['Please play:work', 'The file is written.'], false]);
    const tools = messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'tool' ? [part] : [])));
    expect(tools).toMatchObject([
      { tool: 'write', status: 'completed', input: expect.stringContaining('hello.txt') as string },
      { tool: 'edit', status: 'completed' },
    ]);
    expect(await system.client.tasks.get(run.taskId)).toMatchObject({ state: 'HUMAN_REVIEW', latestRun: ended });
    // No later test asks for the diff of a run. The worktrees of their tasks contain this file.
    const { $schema } = system.model.config; // OpenCode would add it to the file
    writeFileSync(join(system.openCode.repository, 'opencode.json'), JSON.stringify({ $schema, ...withoutSnapshots }));
    git('add', '--all');
    git(...author, 'commit', '--quiet', '-m', 'Configure OpenCode');
  });

  it('of two tasks at once works on a branch for each, which are reviewed, accepted and discarded', async () => {
    const runs = await Promise.all(['First', 'Second'].map((title) => system.start('work', { title })));
    const [first, second] = await Promise.all(runs.map(({ id }) => system.until(id, 'succeeded')));
    if (!first || !second) throw new Error('A run is missing.');
    const { tasks } = system.client;
    expect((await tasks.get(first.taskId)).branch).toMatch(/^task\/[0-9a-f]{8}-first$/);
    const changes = await tasks.changes(first.taskId);
    expect(changes).toMatchObject({
      state: 'open',
      baseCommit: git('rev-parse', 'HEAD'),
      files: [{ path: 'hello.txt', status: 'added', additions: 2, deletions: 0, hasPatch: true }],
    });
    const { patch } = await tasks.fileDiff({ id: first.taskId, path: 'hello.txt' });
    expect(patch).toContain('+one\n+three\n');
    const stranger = await system.signIn('stranger');
    const accept = { id: first.taskId, headCommit: changes?.headCommit ?? '' };
    for (const ask of [
      () => stranger.tasks.changes(first.taskId),
      () => stranger.tasks.fileDiff({ id: first.taskId, path: 'hello.txt' }),
      () => stranger.tasks.accept(accept),
      () => stranger.tasks.discard(first.taskId),
      () => stranger.tasks.push(first.taskId),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }

    await expect(tasks.push(first.taskId)).rejects.toThrow(/no remote/);
    writeFileSync(join(system.openCode.repository, 'hello.txt'), 'mine\n');
    expect(await tasks.accept(accept)).toMatchObject({ outcome: 'would-overwrite', files: ['hello.txt'] });
    expect(git('status', '--porcelain')).toBe('?? hello.txt');
    git('clean', '--force', '--quiet');
    const accepted = await tasks.accept(accept);
    expect(accepted).toMatchObject({ outcome: 'accepted', task: { state: 'DONE', branch: null } });
    expect(await tasks.accept(accept)).toEqual(accepted);
    expect(readFileSync(join(system.openCode.repository, 'hello.txt'), 'utf8')).toBe('one\nthree\n');
    expect(existsSync(worktreeOf(first))).toBe(false);
    expect(await tasks.changes(first.taskId)).toMatchObject({
      state: 'accepted',
      mergeCommit: git('rev-parse', 'HEAD'),
    });

    // The second task has written the same file, and the project has changed it meanwhile.
    writeFileSync(join(system.openCode.repository, 'hello.txt'), 'another\n');
    git(...author, 'commit', '--quiet', '--all', '-m', 'Change');
    const { headCommit } = (await tasks.changes(second.taskId)) ?? {};
    const conflict = await tasks.accept({ id: second.taskId, headCommit: headCommit ?? '' });
    expect(conflict).toMatchObject({ outcome: 'conflicts', files: ['hello.txt'], task: { state: 'HUMAN_REVIEW' } });
    expect(await tasks.discard(second.taskId)).toMatchObject({ state: 'TODO', branch: null });
    expect(await tasks.discard(second.taskId)).toMatchObject({ state: 'TODO', branch: null });
    expect(existsSync(worktreeOf(second))).toBe(false);
  });

  it('is reviewed by another agent that can change nothing, if the project wants it', async () => {
    const { client, projectId } = system;
    await client.trpc.projects.update.mutate({ id: projectId, aiReview: true });
    const title = 'A task with review:approve';
    const run = await system.start('work', { title });
    const reviewed = () =>
      vi.waitFor(
        async () => {
          const task = await client.tasks.get(run.taskId);
          if (task.state !== 'HUMAN_REVIEW') throw new Error(`The task is ${task.state}.`);
          return task.latestRun;
        },
        { timeout: 90_000, interval: 100 },
      );
    const approved = await reviewed();
    expect(approved).toMatchObject({
      kind: 'review',
      state: 'succeeded',
      reviewsRunId: run.id,
      verdict: { decision: 'approve', summary: 'It does what was asked.', comments: [] },
    });
    expect(existsSync(join(worktreeOf(run), 'reviewed.txt'))).toBe(false);

    await client.tasks.update({ id: run.taskId, title: 'A task with review:malformed' });
    await client.runs.start({ taskId: run.taskId, prompt: 'play:work', idempotencyKey: 'second' });
    const malformed = await reviewed();
    expect(malformed).toMatchObject({ kind: 'review', state: 'failed', verdict: null });
    expect(malformed?.message).toContain('no verdict');
    // A follow-up to the review continues the work.
    await client.trpc.projects.update.mutate({ id: projectId, aiReview: false });
    const next = await client.runs.followUp({ runId: approved?.id ?? '', text: 'play:hello', idempotencyKey: 'next' });
    expect(next).toMatchObject({ kind: 'work', continuesRunId: run.id });
    await system.until(next.id, 'succeeded');
  });

  it('waits for a permission, and continues with the answer', async () => {
    const run = await system.start('ask');
    const waiting = await system.until(run.id, 'waiting-for-answer');
    const [request] = waiting.pending;
    expect(waiting.pending).toMatchObject([
      { type: 'permission', permission: 'bash', detail: 'echo allowed > permitted.txt' },
    ]);
    const answer = {
      runId: run.id,
      requestId: request?.id ?? '',
      answer: { type: 'permission', reply: 'once' },
    } as const;
    const answered = await system.client.runs.answer(answer);
    expect(answered.pending).toEqual([]);
    await system.client.runs.answer(answer); // repeated, without effect
    await system.until(run.id, 'succeeded');
    expect(readFileSync(join(worktreeOf(run), 'permitted.txt'), 'utf8')).toBe('allowed\n');
    await expect(system.client.runs.answer(answer)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('stops when a permission is rejected, and continues with a follow-up in the same session', async () => {
    const run = await system.start('ask');
    const [request] = (await system.until(run.id, 'waiting-for-answer')).pending;
    const reply = { type: 'permission', reply: 'reject' } as const;
    await system.client.runs.answer({ runId: run.id, requestId: request?.id ?? '', answer: reply });
    const ended = await system.until(run.id, 'aborted');
    expect(ended.message).toContain('permission was rejected');

    const text = 'Then play:plan';
    const next = await system.client.runs.followUp({ runId: run.id, text, idempotencyKey: 'next' });
    expect(await system.client.runs.followUp({ runId: run.id, text, idempotencyKey: 'next' })).toMatchObject({
      id: next.id,
    });
    const done = await system.until(next.id, 'succeeded');
    expect(done).toMatchObject({ continuesRunId: run.id, opencodeSessionId: ended.opencodeSessionId });
    expect(done.todos).toEqual([
      { content: 'Read the code', status: 'completed' },
      { content: 'Change the code', status: 'in_progress' },
    ]);
    const { messages } = await system.client.runs.transcript(next.id);
    expect(textsOf(messages)).toEqual([text, 'The plan is written.']);
    expect((await system.client.runs.list(run.taskId)).slice(0, 2).map(({ id }) => id)).toEqual([next.id, run.id]);
  });

  it('waits for the answer to a question', async () => {
    const run = await system.start('question');
    const [request] = (await system.until(run.id, 'waiting-for-answer')).pending;
    expect(request).toMatchObject({ type: 'question', questions: [{ question: 'Which colour?' }] });
    const target = { runId: run.id, requestId: request?.id ?? '' };
    const answering = system.client.runs.answer({ ...target, answer: { type: 'question', answers: [] } });
    await expect(answering).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await system.client.runs.answer({ ...target, answer: { type: 'question', answers: [['Blue']] } });
    await system.until(run.id, 'succeeded');
  });

  it('is aborted while the agent writes, and the task can be run again', async () => {
    const run = await system.start('endless', { title: 'Endless' });
    for await (const event of system.client.runs.output(run.id)) if (event.type === 'delta') break;
    await expect(system.client.tasks.delete(run.taskId)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    const again = { taskId: run.taskId, idempotencyKey: 'again', prompt: 'play:hello' };
    await expect(system.client.runs.start(again)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    await system.client.runs.abort(run.id);
    expect((await system.until(run.id, 'aborted')).message).toContain('was aborted');
    const second = await system.client.runs.start(again);
    await system.until(second.id, 'succeeded');
    await system.client.tasks.delete(run.taskId);
    await expect(system.client.runs.get(second.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each([
    { scenario: 'refused', cause: 'refused the key (401)' },
    { scenario: 'limited', cause: 'no more requests for now (429)' },
    { scenario: 'overflow', cause: 'longer than the model can read' },
  ])('fails with the cause when the model answers as in $scenario', async ({ scenario, cause }) => {
    const run = await system.start(scenario);
    expect((await system.until(run.id, 'failed')).message).toContain(cause);
  });

  it('says that the model does not answer while its connection breaks, and can be aborted then', async () => {
    const run = await system.start('cut');
    await expect
      .poll(async () => (await system.client.runs.get(run.id)).message, { timeout: 90_000 })
      .toContain('The model did not answer');
    await system.client.runs.abort(run.id);
    await system.until(run.id, 'aborted');
  });

  it('shows each change of a task to its owner, and nothing to anybody else', async () => {
    const stranger = await system.signIn('stranger');
    const watch = system.client.tasks.watch(system.projectId);
    expect(await watch.next()).toMatchObject({ value: { type: 'snapshot' } });
    const run = await system.start('hello');
    const states = new Set<string>();
    for await (const event of watch) {
      if (event.type !== 'changed' || event.task.id !== run.taskId) continue;
      states.add(event.task.state);
      if (event.task.latestRun?.state === 'succeeded') break;
    }
    expect([...states]).toEqual(['IN_PROGRESS', 'HUMAN_REVIEW']);
    const asks = [
      () => stranger.tasks.list(system.projectId),
      () => stranger.tasks.get(run.taskId),
      () => stranger.runs.get(run.id),
      () => stranger.runs.transcript(run.id),
      () => stranger.runs.abort(run.id),
      () => stranger.runs.output(run.id).next(),
      () => stranger.tasks.watch(system.projectId).next(),
    ];
    for (const ask of asks) await expect(ask()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('works with the configuration that was applied last, and ends when another one is applied', async () => {
    const { client, db, projectId: id } = system;
    const deps = {
      db,
      publisher: { publish: () => Promise.resolve(true) },
      accessKeys: testAccessKeys,
      hasModels: false,
      log: silent,
    };
    const inUse = async () => (await client.config.get(id)).inUse;
    const apply = async () => {
      const { applyVersion } = await client.config.applyNow(id);
      expect((await client.config.get(id)).applyVersion).toBe(applyVersion);
      await vi.waitFor(
        async () => {
          await applyAll(deps, AbortSignal.timeout(30_000));
          expect((await client.config.get(id)).applyVersion).toBeNull();
        },
        { timeout: 90_000 },
      );
    };
    const document = '{"permission":{"edit":"ask"}}';
    expect(await client.config.save({ id, document, rules: 'Be brief.', baseVersion: 0 })).toMatchObject({
      version: 1,
    });
    expect(await inUse()).toMatchObject({ state: 'running', version: 0 });
    await apply();
    const current = { state: 'running', version: 1, isRead: true, isChanged: false, problem: null };
    expect(await inUse()).toEqual(current);
    expect(readFileSync(join(system.openCode.configFolder, 'rules.md'), 'utf8')).toBe('Be brief.');

    const run = await system.start('work');
    expect((await system.until(run.id, 'waiting-for-answer')).pending).toMatchObject([{ permission: 'edit' }]);
    expect((await client.config.get(id)).interrupts).toEqual({
      runs: [{ id: run.id, taskTitle: 'Play' }],
      busySessions: 0,
    });
    await client.config.save({ id, document: '{}', rules: '', baseVersion: 1 });
    await apply();
    await system.until(run.id, 'aborted', 'failed');

    writeFileSync(join(system.openCode.configFolder, 'opencode.json'), '{"model":"other/model"}');
    expect(await inUse()).toMatchObject({ version: 2, isChanged: true });
    await apply();
    expect(await inUse()).toEqual({ ...current, version: 2 });
  });
});
