import { describe, expect, it } from 'vitest';

import type { KubernetesClient } from '../kube/kubernetes-client.ts';
import { createReadPodLog } from './read-pod-log.ts';

const job = { podName: 'pod', container: 'opencode-server', previous: false, tailLines: 500 } as const;

/** A log like that of Kubernetes, which counts the limit of bytes from the oldest line of the tail on. */
function logOf(rows: string[]): Pick<KubernetesClient, 'readLog'> {
  return {
    readLog: (_pod, { tailLines, limitBytes }) => {
      const text = rows
        .slice(-tailLines)
        .map((row) => `2026-01-01T10:00:00Z ${row}\n`)
        .join('');
      return Promise.resolve({ text: text.slice(0, limitBytes), isCut: text.length >= limitBytes });
    },
  };
}

describe('a worker that reads a log', () => {
  it('returns all lines of a short log', async () => {
    const result = await createReadPodLog({ kubernetes: logOf(['one', 'two']) })(job);
    expect(result).toMatchObject({ kind: 'log', lines: [{ text: 'one' }, { text: 'two' }], truncated: false });
  });

  it('returns the newest line although the lines together exceed the limit of bytes', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => `${index} ${'x'.repeat(3_000)}`);
    const result = await createReadPodLog({ kubernetes: logOf(rows) })(job);
    if (result.kind !== 'log') return expect.unreachable();
    expect(result.truncated).toBe(true);
    expect(result.lines.at(-1)?.text).toBe(rows.at(-1));
  });

  it('returns a part of a single line that exceeds the limit of bytes', async () => {
    const result = await createReadPodLog({ kubernetes: logOf(['x'.repeat(1_000_000)]) })(job);
    expect(result).toMatchObject({ kind: 'log', lines: [{ text: expect.stringMatching(/^x+$/) }], truncated: true });
  });

  it('says that a container of a pod without a node has not started', async () => {
    const result = await createReadPodLog({ kubernetes: { readLog: () => Promise.resolve(null) } })(job);
    expect(result).toMatchObject({ kind: 'unavailable', message: expect.stringContaining('has not started yet') });
  });
});
