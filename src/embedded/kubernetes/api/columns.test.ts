import { describe, expect, it } from 'vitest';

import { age, podStatusText } from './columns.ts';
import type { KubeObject } from './kube-object.ts';
import { parseQuantity } from './quantity.ts';

describe('the columns of kubectl', () => {
  it.each([
    [0, '0s'],
    [119, '119s'],
    [120, '2m'],
    [185, '3m5s'],
    [3600, '60m'],
    [3 * 3600 + 60, '3h1m'],
    [30 * 3600, '30h'],
    [3 * 86_400 + 3600, '3d1h'],
    [30 * 86_400, '30d'],
    [1000 * 86_400, '2y'],
  ])('show an age of %s s as %s', (seconds, text) => {
    expect(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:00Z') + seconds * 1000)).toBe(text);
  });

  it.each<[string, Partial<KubeObject>, string | undefined]>([
    ['Pending', { status: { phase: 'Pending' } }, undefined],
    ['Evicted', { status: { phase: 'Failed', reason: 'Evicted' } }, undefined],
    ['Terminating', { status: { phase: 'Running' } }, '2026-01-01T00:00:00Z'],
    [
      'CrashLoopBackOff',
      { status: { phase: 'Running', containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] } },
      undefined,
    ],
    [
      'ExitCode:7',
      { status: { phase: 'Running', containerStatuses: [{ state: { terminated: { exitCode: 7 } } }] } },
      undefined,
    ],
  ])('show the pod status %s', (status, rest, deletionTimestamp) => {
    const metadata = { name: 'p', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      ...rest,
      metadata: deletionTimestamp === undefined ? metadata : { ...metadata, deletionTimestamp },
    };
    expect(podStatusText(pod)).toBe(status);
  });

  it.each<[unknown, number | undefined]>([
    ['100m', 0.1],
    ['1Gi', 2 ** 30],
    ['1.5G', 1.5e9],
    ['2e3', 2000],
    [3, 3],
    ['-1', -1],
    ['', undefined],
    ['1 Gi', undefined],
    ['plenty', undefined],
    [null, undefined],
  ])('read the quantity %s as %s', (text, number) => {
    expect(parseQuantity(text)).toBe(number);
  });
});
