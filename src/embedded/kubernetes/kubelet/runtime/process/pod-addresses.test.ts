import { describe, expect, it } from 'vitest';

import type { KubeObject } from '../../../api/kube-object.ts';
import { addressOf, createPodAddresses } from './pod-addresses.ts';

const pod = (uid: string, podIP?: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: uid, uid, resourceVersion: '1', creationTimestamp: '' },
  ...(podIP === undefined ? {} : { status: { podIP } }),
});

describe('the addresses of pods', () => {
  it('lie in 127.64.0.0/10, and never end in 0 or 255', () => {
    for (let number = 0; number < 2_000; number += 1) {
      const [first, second, third, fourth] = addressOf(`uid-${number}`).split('.').map(Number);
      expect(first).toBe(127);
      expect(second).toBeGreaterThanOrEqual(64);
      expect(second).toBeLessThan(128);
      expect(third).toBeLessThan(256);
      expect([0, 255]).not.toContain(fourth);
    }
  });

  it('stay the same for a pod, also after a restart, and are never given twice at a time', () => {
    const addresses = createPodAddresses();
    const first = addresses.of(pod('one', '127.70.1.1'));
    expect(first).toBe('127.70.1.1');
    expect(addresses.of(pod('one'))).toBe(first);
    const second = addresses.of(pod('two', first));
    expect(second).not.toBe(first);
    addresses.release('one');
    expect(addresses.of(pod('three', first))).toBe(first);
  });

  it('replace the address of a pod that was simulated', () => {
    expect(createPodAddresses().of(pod('one', '10.244.7.8'))).toMatch(/^127\./);
  });
});
