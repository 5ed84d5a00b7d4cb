import { describe, expect, it } from 'vitest';

import { connectionView, type Connection } from './connection.ts';

const formatTime = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);
const asOf = '2026-01-01T12:04:30.000Z';
const view = (connection: Partial<Connection>) =>
  connectionView(
    {
      link: 'open',
      isPolling: false,
      isOffline: false,
      freshness: { state: 'live', asOf },
      lastEventAtMs: Date.parse(asOf),
      ...connection,
    },
    {
      formatTime,
    },
  );

describe('the connection state of the page', () => {
  it('is live only when events arrive and the cluster was observed just now', () => {
    expect(view({})).toMatchObject({ kind: 'live', label: 'Live' });
    for (const link of ['connecting', 'lost'] as const) expect(view({ link }).kind).not.toBe('live');
    for (const state of ['delayed', 'unreachable'] as const) {
      expect(view({ freshness: { state, asOf } }).kind).not.toBe('live');
    }
    expect(view({ freshness: null }).kind).not.toBe('live');
  });

  it('says that events arrive by polling, and why, while the status is current', () => {
    const { kind, title, message } = view({ isPolling: true });
    expect([kind, title]).toEqual(['polling', 'Live updates arrive by polling.']);
    expect(message).toContain('does not pass WebSockets');
    expect(view({ isPolling: true, link: 'lost' }).kind).toBe('reconnecting');
    expect(view({ isPolling: true, freshness: { state: 'delayed', asOf } }).kind).toBe('delayed');
  });

  it('names the time of the last observation or event when it is not live', () => {
    expect(view({ freshness: { state: 'delayed', asOf } }).label).toBe('As of 12:04');
    expect(view({ freshness: { state: 'delayed', asOf: null } }).label).toBe('Status delayed');
    expect(view({ link: 'lost' })).toMatchObject({ label: 'Reconnecting…' });
    expect(view({ link: 'lost' }).message).toContain('from 12:04');
  });

  it('distinguishes an unreachable cluster from an unreachable server', () => {
    expect(view({ freshness: { state: 'unreachable', asOf } }).label).toBe('Cluster unreachable');
    expect(view({ freshness: { state: 'unreachable', asOf: null } }).message).toContain('does not answer.');
  });

  it('distinguishes a browser without a network from an unreachable server', () => {
    expect(view({ link: 'lost', isOffline: true })).toMatchObject({ kind: 'offline', label: 'Offline' });
    expect(view({ link: 'lost', isOffline: true }).message).toContain('12:04');
    expect(view({ link: 'lost' }).kind).toBe('reconnecting');
  });
});
