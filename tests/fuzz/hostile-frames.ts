/** WebSocket frames that violate RFC 6455 or our limits. */

import fc from 'fast-check';

import { hostileString, nested } from './hostile-text.ts';
import type { Frame } from './raw-line.ts';

const good: Frame = { fin: true, reserved: 0, opcode: 1, masked: true, payload: Buffer.from('{}') };

/** Each with what is wrong, and the expected close code. */
export const wrongFrames: Record<string, { frames: Frame[]; code: number }> = {
  'a reserved bit': { frames: [{ ...good, reserved: 1 }], code: 1002 },
  'an opcode that nobody knows': { frames: [{ ...good, opcode: 3 }], code: 1002 },
  'a control opcode that nobody knows': { frames: [{ ...good, opcode: 15 }], code: 1002 },
  'a frame without a mask': { frames: [{ ...good, masked: false }], code: 1002 },
  'a continuation of nothing': { frames: [{ ...good, opcode: 0 }], code: 1002 },
  'a beginning within a message': { frames: [{ ...good, fin: false }, good], code: 1002 },
  'a ping in fragments': { frames: [{ ...good, opcode: 9, fin: false }], code: 1002 },
  'a ping that is too large': { frames: [{ ...good, opcode: 9, payload: Buffer.alloc(126) }], code: 1002 },
  'a close frame of one byte': { frames: [{ ...good, opcode: 8, payload: Buffer.alloc(1) }], code: 1002 },
  'a close code that must not be sent': {
    frames: [{ ...good, opcode: 8, payload: Buffer.from([3, 237]) }],
    code: 1002,
  },
  'a text that is no UTF-8': { frames: [{ ...good, payload: Buffer.from([0xc0, 0xaf, 0xff]) }], code: 1007 },
  'half a character at the end of fragments': {
    frames: [
      { ...good, fin: false, payload: Buffer.from([0xe6]) },
      { ...good, opcode: 0, payload: Buffer.from([0xbc]) },
    ],
    code: 1007,
  },
  'a binary message': { frames: [{ ...good, opcode: 2 }], code: 1003 },
  'a length that is too large': { frames: [{ ...good, declared: 65_537n }], code: 1009 },
  'a length of 4 GiB': { frames: [{ ...good, declared: 2n ** 32n }], code: 1009 },
  'a length beyond all numbers': { frames: [{ ...good, declared: 2n ** 63n - 1n }], code: 1009 },
  'fragments that are too large together': {
    frames: [
      { ...good, fin: false, payload: Buffer.alloc(40_000, 'x') },
      { ...good, opcode: 0, fin: false, payload: Buffer.alloc(40_000, 'x') },
    ],
    code: 1009,
  },
};

const messages = fc.oneof(
  fc.constantFrom(
    '{}',
    '[]',
    'null',
    '{"id":1}',
    '{"id":null,"method":"subscription","params":{"path":"projects.onChange"}}',
    '{"id":{},"method":"subscription","params":{"path":"projects.onChange"}}',
    '{"id":1,"method":"subscription","params":null}',
    '{"id":1,"method":"subscription","params":{"path":"__proto__"}}',
    '{"id":1,"method":"subscription","params":{"path":"projects.onChange","lastEventId":{}}}',
    '{"id":1,"method":"subscription","params":{"path":["projects.onChange"]}}',
    '{"id":1,"method":"subscription.stop"}',
    '{"id":1,"method":"constructor"}',
    '{"method":"connectionParams","data":{"token":[]}}',
    '{"jsonrpc":"3.0","id":1,"method":"query","params":{"path":"auth.me"}}',
    '{"__proto__":{"method":"subscription"},"id":1e400}',
    nested(5_000),
    nested(5_000, '{"id":', '}', '1'),
  ),
  hostileString.map((path) => JSON.stringify({ id: 1, method: 'subscription', params: { path } })),
  hostileString,
);

/** Mostly well-formed, so that the server reads the payload. */
export const hostileFrame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 5, arbitrary: messages.map((message) => ({ ...good, payload: Buffer.from(message) })) },
  {
    weight: 3,
    arbitrary: fc.record({
      fin: fc.boolean(),
      reserved: fc.constantFrom(0, 0, 0, 1, 2, 4, 7),
      opcode: fc.nat(15),
      masked: fc.constantFrom(true, true, true, false),
      payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((declared) => ({ ...good, declared })),
  },
);
