import { describe, expect, it } from 'vitest';

import type { ConfigInUse } from '../../../shared/contract/config.ts';
import { statusOf } from './config-status.ts';

const running = (changes: object = {}): ConfigInUse => ({
  state: 'running',
  version: 2,
  isRead: true,
  isChanged: false,
  problem: null,
  ...changes,
});
const status = (inUse: ConfigInUse, version = 2, applyVersion: number | null = null) =>
  statusOf({ version, inUse, applyVersion });

describe('the status of a configuration', () => {
  it('is in use only when the pod has read exactly this version', () => {
    expect(status(running())).toMatchObject({ title: 'Version 2 is in use', tone: 'ok', canApply: false });
    expect(status(running(), 3)).toMatchObject({ title: 'Version 3 is saved', tone: 'wait', canApply: true });
    expect(status(running({ isRead: false }))).toMatchObject({ tone: 'wait', canApply: true });
    expect(status(running({ isChanged: true }))).toMatchObject({ tone: 'wait', canApply: true });
    expect(status(running({ version: 0 }), 1).message).toContain('the defaults of OpenCode');
  });

  it('says what happens next while it is applied, and while the project does not run', () => {
    expect(status(running(), 3, 3)).toMatchObject({ title: 'Version 3 is being applied', canApply: false });
    expect(status({ state: 'not-running' }, 3)).toMatchObject({ canApply: false });
    expect(status({ state: 'not-running' }, 3).message).toContain('version 3');
    expect(status({ state: 'unknown', message: 'Why.' })).toMatchObject({ message: 'Why.', canApply: false });
    expect(status(running({ version: 0 }), 0)).toMatchObject({ tone: 'idle', canApply: false });
  });

  it('shows first what OpenCode refuses', () => {
    expect(status(running({ problem: 'opencode.json: model' }), 3, 3)).toMatchObject({ tone: 'bad', canApply: false });
  });
});
