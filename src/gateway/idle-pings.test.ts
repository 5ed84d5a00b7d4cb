import { PassThrough } from 'node:stream';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createTestClock } from '../../tests/support/test-clock.ts';
import { createIdlePings, trackFrames } from './idle-pings.ts';

/** The bytes of a frame. Its payload looks like the beginning of other frames. */
function frameOf(payload: number, { opcode, mask }: { opcode: number; mask: boolean }): Buffer {
  const length = payload < 126 ? Buffer.alloc(1) : payload < 65_536 ? Buffer.alloc(3) : Buffer.alloc(9);
  length.writeUInt8((mask ? 0x80 : 0) + (payload < 126 ? payload : payload < 65_536 ? 126 : 127));
  if (length.length === 3) length.writeUInt16BE(payload, 1);
  if (length.length === 9) length.writeBigUInt64BE(BigInt(payload), 1);
  return Buffer.concat([Buffer.from([0x80 + opcode]), length, Buffer.alloc(mask ? 4 : 0), Buffer.alloc(payload, 0x89)]);
}

describe('a frame may be inserted', () => {
  const frames = fc.array(
    fc.record({
      payload: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(125, 126, 127, 65_535, 65_536)),
      opcode: fc.constantFrom(0, 1, 2, 9, 10),
      mask: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  );

  it('exactly between two frames, however their bytes arrive', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.integer({ min: 1, max: 5_000 })), (list, lengths) => {
        const encoded = list.map(({ payload, ...options }) => frameOf(payload, options));
        const bytes = Buffer.concat(encoded);
        const ends = new Set([0]);
        let end = 0;
        for (const frame of encoded) ends.add((end += frame.length));
        const tracked = trackFrames();
        for (let at = 0; at < bytes.length;) {
          const next = at + (lengths.next().value as number);
          tracked.pass(bytes.subarray(at, next));
          at = Math.min(next, bytes.length);
          expect(tracked.mayInsert()).toBe(ends.has(at));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('not after the frame that ends the stream', () => {
    const tracked = trackFrames();
    tracked.pass(frameOf(2, { opcode: 8, mask: false }));
    expect(tracked.mayInsert()).toBe(false);
  });

  it('not inside of a frame that claims to be longer than any', () => {
    const tracked = trackFrames();
    tracked.pass(Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    tracked.pass(Buffer.alloc(100_000));
    expect(tracked.mayInsert()).toBe(false);
  });
});

describe('an idle WebSocket', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gets a ping every twenty seconds, and none while bytes arrive or while it takes none', () => {
    const clock = createTestClock();
    const pings = createIdlePings({ clock });
    const [pod, browser] = [new PassThrough(), new PassThrough()];
    const pass = (ms: number) => {
      clock.advance(ms);
      vi.advanceTimersByTime(2_000);
      return (browser.read() as Buffer | null)?.toString('hex') ?? null;
    };
    pings.watch(browser, pod);
    expect([pass(19_000), pass(1_000), pass(19_000), pass(1_000)]).toEqual([null, '8900', null, '8900']);
    pod.emit('data', frameOf(3, { opcode: 1, mask: false }));
    expect([pass(19_000), pass(1_000)]).toEqual([null, '8900']);
    pod.emit('data', Buffer.from([0x81])); // half of a header
    expect(pass(60_000)).toBeNull();
    pings.stop();
  });
});
