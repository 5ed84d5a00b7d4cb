import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { podOf } from '../../../../tests/model/fixtures.ts';
import { cleanText, withCleanTexts } from '../../../shared/clean-texts.ts';
import { kubernetesEventSchema } from './kubernetes-event.ts';
import { kubernetesPodSchema } from './kubernetes-pod.ts';

describe('cleanText', () => {
  it.each([
    ['a NUL byte', 'one\0two', 'one two'],
    ['other control characters', 'one\u0007\u001B\u009Btwo', 'one   two'],
    ['half of a surrogate pair', 'one\uD83Dtwo', 'one\uFFFDtwo'],
    ['line breaks of Windows', 'one\r\ntwo', 'one\ntwo'],
  ])('replaces %s', (_, text, expected) => expect(cleanText(text)).toBe(expected));

  it('keeps ordinary texts, in any language', () => {
    const text = 'Tab\tline\nbreak, 日本語, emoji 😀';
    expect(cleanText(text)).toBe(text);
  });

  it('cuts a megabyte, and never through a character', () => {
    const cut = cleanText('😀'.repeat(500_000));
    expect(cut.length).toBeLessThan(10_000);
    expect(cut.isWellFormed()).toBe(true);
  });

  it('is applied to every text of an object, also to keys', () => {
    const schema = withCleanTexts(z.object({ all: z.record(z.string(), z.array(z.string())) }));
    expect(schema.parse({ all: { 'k\0': ['v\0'] } })).toEqual({ all: { 'k ': ['v '] } });
  });
});

describe('times and numbers of the cluster', () => {
  it.each(['soon', '', 'Infinity', '+275760-09-13T00:00:00Z', '-000001-01-01T00:00:00Z'])(
    'an optional time that is none counts as absent: "%s"',
    (time) => {
      const event = { metadata: {}, involvedObject: {}, lastTimestamp: time, count: 1e300, firstTimestamp: 7 };
      const { at, firstAt, count } = kubernetesEventSchema.parse(event);
      expect([at, firstAt]).toEqual([null, null]);
      expect(Number.isSafeInteger(count)).toBe(true);
    },
  );

  it('a pod without a readable time of creation is not readable', () => {
    const { metadata, ...rest } = podOf();
    const pod = { ...rest, metadata: { ...metadata, creationTimestamp: 'soon' } };
    expect(kubernetesPodSchema.safeParse(pod).error?.message).toContain('creationTimestamp');
  });

  it('numbers become whole numbers that every reader can store', () => {
    const pod = podOf();
    const status = { name: 'main', restartCount: -1.5, state: { terminated: { exitCode: 1e300 } } };
    const parsed = kubernetesPodSchema.parse({
      ...pod,
      metadata: { ...pod.metadata, deletionGracePeriodSeconds: 1e300 },
      status: { containerStatuses: [status] },
    });
    expect(parsed.status.containerStatuses[0]?.restartCount).toBe(0);
    expect(Number.isSafeInteger(parsed.status.containerStatuses[0]?.state.terminated?.exitCode)).toBe(true);
    const graceMs = (parsed.metadata.deletionGracePeriodSeconds ?? 0) * 1_000;
    expect(Number.isNaN(new Date(Date.now() + graceMs).getTime())).toBe(false);
  });
});
