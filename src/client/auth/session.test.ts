import { describe, expect, it } from 'vitest';

import { createSession } from './session.ts';

function sessionAt(
  currentPath: string,
  answer: () => Promise<Response> = async () => new Response(null, { status: 204 }),
) {
  const loaded: string[] = [];
  const session = createSession({ load: (path) => loaded.push(path), currentPath: () => currentPath, fetch: answer });
  return { session, loaded };
}

describe('the end of a session', () => {
  it('leads to the sign-in page once, and from there back to where one was', () => {
    const { session, loaded } = sessionAt('/projects/7?edit=');
    session.ended();
    session.ended();
    expect(loaded).toEqual(['/sign-in?returnTo=%2Fprojects%2F7%3Fedit%3D&reason=ended']);
  });

  it('is no news on the sign-in page', () => {
    const { session, loaded } = sessionAt('/sign-in');
    session.ended();
    expect(loaded).toEqual([]);
  });

  it('by signing out says so, and the socket that the server closes meanwhile changes nothing', async () => {
    const { session, loaded } = sessionAt('/projects');
    const done = session.signOut();
    session.ended();
    await done;
    expect(loaded).toEqual(['/sign-in?reason=signed-out']);
  });

  it('does not take place when the server could not be told, and can be tried again', async () => {
    const answers = [new Response(null, { status: 503 }), new Response(null, { status: 204 })];
    const { session, loaded } = sessionAt('/projects', async () => answers.shift() ?? new Response(null));
    await expect(session.signOut()).rejects.toThrow('503');
    expect(loaded).toEqual([]);
    await session.signOut();
    expect(loaded).toEqual(['/sign-in?reason=signed-out']);
  });
});
