/** Agent runs while workers, Redis, OpenCode and the project go away, with the real OpenCode. */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { hasOpenCode } from '../../support/opencode.ts';
import { startRunsSystem, startTimeoutMs, withoutSnapshots, type RunsSystem } from '../../support/runs-system.ts';

const address = '127.99.4.3';
const program = fileURLToPath(new URL('../../support/run-worker.ts', import.meta.url));

describe.runIf(hasOpenCode)('fault 48: a run outlives', { timeout: 240_000 }, () => {
  let system: RunsSystem;
  beforeAll(async () => {
    system = await startRunsSystem(address, { config: withoutSnapshots });
  }, startTimeoutMs);
  afterAll(() => system?.stop(), startTimeoutMs);

  /** How often the model was asked to play a scenario. */
  const played = (scenario: string) => system.model.played.filter((name) => name === scenario).length;

  async function startWorkerProcess() {
    const { databaseUrl, redisUrl } = system.places;
    const env = { ...process.env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
    const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }

  async function permit(runId: string, requestId = ''): Promise<void> {
    await system.client.runs.answer({ runId, requestId, answer: { type: 'permission', reply: 'once' } });
  }

  it('its worker: another one follows it, and the prompt is given once', async () => {
    const worker = await startWorkerProcess();
    const run = await system.start('ask');
    const waiting = await system.until(run.id, 'waiting-for-answer');
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await permit(run.id, waiting.pending[0]?.id);
    const next = system.startWorker();
    await system.until(run.id, 'succeeded');
    await next.stop();
    expect(played('ask')).toBe(2); // the call of the tool, and the end
    const { messages } = await system.client.runs.transcript(run.id);
    expect(messages.filter(({ role }) => role === 'user')).toHaveLength(1);
  });

  it('a Redis that is wiped', async () => {
    const worker = system.startWorker();
    onTestFinished(() => worker.stop());
    const run = await system.start('ask');
    const waiting = await system.until(run.id, 'waiting-for-answer');
    await system.flushRedis();
    await permit(run.id, waiting.pending[0]?.id);
    await system.until(run.id, 'succeeded');
    const queued = await system.start('hello');
    await system.flushRedis();
    await system.until(queued.id, 'succeeded');
  });

  it('a project that is not ready yet, and says so', async () => {
    const worker = system.startWorker();
    onTestFinished(() => worker.stop());
    await system.patchProject({ desiredState: 'stopped', status: 'stopped' });
    const run = await system.start('hello');
    expect((await system.until(run.id, 'waiting-for-project')).message).toContain('The project is stopped');
    await system.patchProject({ desiredState: 'running', status: 'ready' });
    await system.until(run.id, 'succeeded');
  });

  it('not a project that is stopped while the agent works, and keeps its transcript', async () => {
    const worker = system.startWorker();
    onTestFinished(() => worker.stop());
    const run = await system.start('ask');
    await system.until(run.id, 'waiting-for-answer');
    onTestFinished(() => system.patchProject({ desiredState: 'running', status: 'ready' }));
    await system.patchProject({ desiredState: 'stopped', status: 'stopping' });
    expect((await system.until(run.id, 'failed')).message).toContain('the project was stopped');
    const { messages } = await system.client.runs.transcript(run.id);
    expect(messages.flatMap(({ parts }) => parts)).toMatchObject([{ text: 'Please play:ask' }, { tool: 'bash' }]);
  });

  it('not an OpenCode that is killed in the middle of a tool, and can be continued', async () => {
    const worker = system.startWorker();
    onTestFinished(() => worker.stop());
    const run = await system.start('sleep');
    const waiting = await system.until(run.id, 'waiting-for-answer');
    await permit(run.id, waiting.pending[0]?.id);
    await system.until(run.id, 'running');
    await system.openCode.kill();
    await system.openCode.restart();
    expect((await system.until(run.id, 'failed')).message).toContain('OpenCode was restarted');
    const next = await system.client.runs.followUp({ runId: run.id, text: 'play:hello', idempotencyKey: 'next' });
    await system.until(next.id, 'succeeded');
    expect(played('sleep')).toBe(1);
  });

  it('not a pod that is deleted in the middle of a tool: the run says so, is not prompted again, and can be continued', async () => {
    const worker = system.startWorker();
    onTestFinished(() => worker.stop());
    const before = played('sleep');
    const run = await system.start('sleep');
    const waiting = await system.until(run.id, 'waiting-for-answer');
    await permit(run.id, waiting.pending[0]?.id);
    await system.until(run.id, 'running');
    await system.openCode.kill();
    await system.patchProject({ status: 'initializing', podUid: null, podIp: null });
    const paused = await system.until(run.id, 'waiting-for-project');
    expect(paused.message).toContain('waits until the project is ready');
    await system.openCode.restart();
    await system.patchProject({ status: 'ready', podUid: randomUUID(), podIp: address });
    expect((await system.until(run.id, 'failed')).message).toContain('interrupted');
    const next = await system.client.runs.followUp({ runId: run.id, text: 'play:hello', idempotencyKey: 'after' });
    await system.until(next.id, 'succeeded');
    expect(played('sleep') - before).toBe(1);
    const { messages } = await system.client.runs.transcript(run.id);
    expect(messages.filter(({ role }) => role === 'user')).toHaveLength(1);
  });
});
