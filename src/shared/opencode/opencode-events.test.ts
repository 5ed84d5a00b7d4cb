import { expect, it } from 'vitest';

import { createDeltaJoiner, parseEvent } from './opencode-events.ts';

const delta = (partID: string, text: string) =>
  JSON.stringify({
    payload: {
      type: 'message.part.delta',
      properties: { sessionID: 'ses_1', messageID: 'msg_1', partID, field: 'text', delta: text },
    },
  });

function shown(deltas: [partId: string, text: string][]): string[] {
  const join = createDeltaJoiner();
  return deltas.map(([partId, text]) => {
    const event = parseEvent(delta(partId, text), join);
    return event?.type === 'delta' ? event.text : '';
  });
}

it('a character that was cut between two deltas arrives whole', () => {
  const halves = ['\uD83D', '\uDE00'] as const;
  expect(
    shown([
      ['prt_1', `a${halves[0]}`],
      ['prt_1', `${halves[1]}b`],
    ]).join(''),
  ).toBe('a😀b');
});

it('half of a character that nothing completes is not joined with another text', () => {
  expect(
    shown([
      ['prt_1', 'a\uD83D'],
      ['prt_2', 'b'],
      ['prt_1', 'c'],
    ]),
  ).toEqual(['a', 'b', 'c']);
});
