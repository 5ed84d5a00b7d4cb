import { describe, expect, it } from 'vitest';

import { connectionView, type Connection } from './connection.ts';

const formatTime = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);
const asOf = '2026-01-01T12:04:30.000Z';
const view = (connection: Partial<Connection>) =>
  connectionView(
    { link: 'open', isOffline: false, freshness: { state: 'live', asOf }, heardAtMs: Date.parse(asOf), ...connection },
    {
      formatTime,
    },
  );

describe('how fresh the page is', () => {
  it('is live only when events arrive and the cluster was seen just now', () => {
    expect(view({})).toMatchObject({ kind: 'live', label: 'Live' });
    for (const link of ['connecting', 'lost'] as const) expect(view({ link }).kind).not.toBe('live');
    for (const state of ['delayed', 'unreachable'] as const) {
      expect(view({ freshness: { state, asOf } }).kind).not.toBe('live');
    }
    expect(view({ freshness: null }).kind).not.toBe('live');
  });

  it('says since when nothing was heard', () => {
    expect(view({ freshness: { state: 'delayed', asOf } }).label).toBe('As of 12:04');
    expect(view({ freshness: { state: 'delayed', asOf: null } }).label).toBe('Status delayed');
    expect(view({ link: 'lost' })).toMatchObject({ label: 'Reconnecting…' });
    expect(view({ link: 'lost' }).message).toContain('from 12:04');
  });

  it('tells the cluster from the server', () => {
    expect(view({ freshness: { state: 'unreachable', asOf } }).label).toBe('Cluster unreachable');
    expect(view({ freshness: { state: 'unreachable', asOf: null } }).message).toContain('does not answer.');
  });

  it('tells a browser without a network from a server that is away', () => {
    expect(view({ link: 'lost', isOffline: true })).toMatchObject({ kind: 'offline', label: 'Offline' });
    expect(view({ link: 'lost', isOffline: true }).message).toContain('12:04');
    expect(view({ link: 'lost' }).kind).toBe('reconnecting');
  });
});
