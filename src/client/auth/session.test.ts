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

  it('everywhere ends all sessions before it leaves, also when the cookie cannot be taken away', async () => {
    const { session, loaded } = sessionAt('/settings/sessions', () => Promise.reject(new Error('no answer')));
    const ended: string[] = [];
    await session.signOutEverywhere(async () => {
      session.ended(); // by the socket, which closes before the answer comes
      ended.push('all');
    });
    expect([ended, loaded]).toEqual([['all'], ['/sign-in?reason=signed-out-everywhere']]);
  });

  it('is noticed when the session ended and the answer to that was lost', async () => {
    const { session, loaded } = sessionAt('/settings/sessions');
    const lost = session.signOutEverywhere(async () => {
      session.ended();
      throw new Error('the line broke');
    });
    await expect(lost).rejects.toThrow('the line broke');
    expect(loaded).toEqual(['/sign-in?returnTo=%2Fsettings%2Fsessions&reason=ended']);
  });

  it('everywhere does not leave when the sessions could not be ended, and can be tried again', async () => {
    const { session, loaded } = sessionAt('/settings/sessions');
    await expect(session.signOutEverywhere(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(loaded).toEqual([]);
    await session.signOutEverywhere(() => Promise.resolve());
    expect(loaded).toEqual(['/sign-in?reason=signed-out-everywhere']);
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
