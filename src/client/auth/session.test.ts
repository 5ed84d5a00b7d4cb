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

describe('a session', () => {
  it('loads the sign-in page once when it ends, with the way back to the current page', () => {
    const { session, loaded } = sessionAt('/projects/7?edit=');
    session.ended();
    session.ended();
    expect(loaded).toEqual(['/sign-in?returnTo=%2Fprojects%2F7%3Fedit%3D&reason=ended']);
  });

  it('loads nothing when it ends on the sign-in page', () => {
    const { session, loaded } = sessionAt('/sign-in');
    session.ended();
    expect(loaded).toEqual([]);
  });

  it('says that the user has signed out, even when the server closes the socket first', async () => {
    const { session, loaded } = sessionAt('/projects');
    const done = session.signOut();
    session.ended();
    await done;
    expect(loaded).toEqual(['/sign-in?reason=signed-out']);
  });

  it('ends all sessions before it loads the sign-in page, even when the cookie cannot be deleted', async () => {
    const { session, loaded } = sessionAt('/settings/sessions', () => Promise.reject(new Error('no answer')));
    const ended: string[] = [];
    await session.signOutEverywhere(async () => {
      session.ended(); // called by the socket, which closes before the answer arrives
      ended.push('all');
    });
    expect([ended, loaded]).toEqual([['all'], ['/sign-in?reason=signed-out-everywhere']]);
  });

  it('loads the sign-in page when the session has ended but the answer was lost', async () => {
    const { session, loaded } = sessionAt('/settings/sessions');
    const lost = session.signOutEverywhere(async () => {
      session.ended();
      throw new Error('connection lost');
    });
    await expect(lost).rejects.toThrow('connection lost');
    expect(loaded).toEqual(['/sign-in?returnTo=%2Fsettings%2Fsessions&reason=ended']);
  });

  it('stays on the page when the sessions could not be ended, and can try again', async () => {
    const { session, loaded } = sessionAt('/settings/sessions');
    await expect(session.signOutEverywhere(() => Promise.reject(new Error('unavailable')))).rejects.toThrow(
      'unavailable',
    );
    expect(loaded).toEqual([]);
    await session.signOutEverywhere(() => Promise.resolve());
    expect(loaded).toEqual(['/sign-in?reason=signed-out-everywhere']);
  });

  it('stays on the page when the sign-out failed, and can try again', async () => {
    const answers = [new Response(null, { status: 503 }), new Response(null, { status: 204 })];
    const { session, loaded } = sessionAt('/projects', async () => answers.shift() ?? new Response(null));
    await expect(session.signOut()).rejects.toThrow('503');
    expect(loaded).toEqual([]);
    await session.signOut();
    expect(loaded).toEqual(['/sign-in?reason=signed-out']);
  });
});
