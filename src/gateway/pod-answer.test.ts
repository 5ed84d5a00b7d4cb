import { once } from 'node:events';
import { PassThrough, Writable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { passBody } from './pod-answer.ts';

/** A browser that takes a part when the test says so. */
function startPassing() {
  const body = new PassThrough();
  const arrived = Promise.withResolvers<{ text: string; done: (error?: Error) => void }>();
  const response = new Writable({
    write: (part: Buffer, _encoding, done) => arrived.resolve({ text: part.toString(), done }),
  });
  passBody(body, response);
  return { body, response, arrived: arrived.promise };
}

const ownPart = () => Buffer.from(new TextEncoder().encode('a part').buffer);

describe('the memory of a part of an answer', () => {
  it('is freed when the part is written, and not before', async () => {
    const { body, response, arrived } = startPassing();
    const part = ownPart();
    body.end(part);
    const { text, done } = await arrived;
    expect([text, part.buffer.detached]).toEqual(['a part', false]);
    done();
    await once(response, 'finish');
    expect(part.buffer.detached).toBe(true);
  });

  it('is not freed when the part shares it with others', async () => {
    const { body, response, arrived } = startPassing();
    const whole = Buffer.concat([ownPart(), ownPart()]);
    body.end(whole.subarray(0, 6));
    (await arrived).done();
    await once(response, 'finish');
    expect(whole.toString()).toBe('a parta part');
  });

  it('is left to the garbage collector when the write fails', async () => {
    const { body, response, arrived } = startPassing();
    const part = ownPart();
    body.write(part);
    const failed = once(response, 'error');
    (await arrived).done(new Error('The browser has gone.'));
    await failed;
    expect(part.toString()).toBe('a part');
  });
});
