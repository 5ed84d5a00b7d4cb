import { describe, expect, it } from 'vitest';

import { projectIdOfHost, projectOrigin } from './project-hosts.ts';

const id = '6f6d8f6e-9f1c-4a50-9d8e-0a8d5d0b7c11';

describe('the host of a project', () => {
  it('names its project, with or without a port, in any case', () => {
    for (const host of [
      `p-${id}.localhost`,
      `p-${id}.localhost:3080`,
      `P-${id.toUpperCase()}.LOCALHOST`,
      `p-${id}.localhost.`,
    ]) {
      expect(projectIdOfHost(host, 'localhost')).toBe(id);
    }
  });

  it.each([
    undefined,
    '',
    'localhost',
    `p-${id}`,
    `x.p-${id}.localhost`,
    `p-${id}.localhost.evil.example`,
    `p-${id}x.localhost`,
    `p-.localhost`,
  ])('is not %j', (host) => {
    expect(projectIdOfHost(host, 'localhost')).toBeNull();
  });

  it('is the origin at which browsers open it', () => {
    expect(projectOrigin(id, 'https://work.example.com')).toBe(`https://p-${id}.work.example.com`);
    expect(projectIdOfHost(new URL(projectOrigin(id, 'http://localhost:3080')).host, 'localhost')).toBe(id);
  });
});
