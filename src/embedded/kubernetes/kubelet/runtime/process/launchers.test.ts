import { describe, expect, it } from 'vitest';

import type { ResolvedContainer } from './launcher.ts';
import { onHost } from './plain-launcher.ts';
import { containerEnv } from './resolve-container.ts';
import { sandboxArguments } from './sandbox-launcher.ts';

const container: ResolvedContainer = {
  id: 'uid/main/0',
  family: 'opencode',
  command: ['/bin/sh', '-c', 'ls /workspace'],
  env: { HOME: '/workspace/.home', PASSWORD: 'secret', OTHER: '/workspaces' },
  workingDir: '/workspace/project',
  hostname: 'pod-1',
  mounts: [
    { source: '/data/volumes/one', target: '/workspace', isReadOnly: false },
    { source: '/data/pods/uid/volumes/access', target: '/var/run/opencode-access', isReadOnly: true },
    { source: '/data/pods/uid/messages/main', target: '/dev/termination-log', isReadOnly: false },
  ],
};

describe('the arguments of a sandbox', () => {
  const args = sandboxArguments(container, { system: ['--ro-bind', '/usr', '/usr'], image: [] }).join(' ');

  it('mount the volume writable and the secret read-only, after the folders that they lie in', () => {
    expect(args).toContain('--bind /data/volumes/one /workspace');
    expect(args).toContain('--ro-bind /data/pods/uid/volumes/access /run/opencode-access');
    expect(args.indexOf('--tmpfs /run')).toBeLessThan(args.indexOf('/run/opencode-access'));
    expect(args.indexOf('--dev /dev')).toBeLessThan(args.indexOf('/dev/termination-log'));
    expect(args).toMatch(/--remount-ro \/ --chdir \/workspace\/project$/);
  });

  it('end the sandbox with its owner, and contain no variable', () => {
    expect(args).toContain('--die-with-parent --new-session');
    expect(args).toContain('--unshare-user --unshare-pid');
    expect(args).not.toContain('secret');
  });
});

describe('the launch of a plain process', () => {
  const launch = onHost(container, container.command);

  it('replaces the paths of mounts by those on the host', () => {
    expect(launch.cwd).toBe('/data/volumes/one/project');
    expect(launch.env['HOME']).toBe('/data/volumes/one/.home');
    expect(launch.env['OTHER']).toBe('/workspaces');
  });

  it('tells our programs where the volume, the secrets and the file for the last message are', () => {
    expect(launch.env).toMatchObject({
      WORKSPACE: '/data/volumes/one',
      ACCESS_TOKEN_FILE: '/data/pods/uid/volumes/access/sidecar',
      OPENCODE_PASSWORD_FILE: '/data/pods/uid/volumes/access/opencode',
      TERMINATION_MESSAGE: '/data/pods/uid/messages/main',
    });
    expect(onHost({ ...container, mounts: [] }, []).env).toEqual(container.env);
  });
});

describe('the variables of a container', () => {
  it('win over those of the image, and can refer to earlier ones', () => {
    const variables = [
      ['HOME', '/workspace/.home'],
      ['URL', 'http://$(POD_IP):3000/$$(X)'],
    ] as const;
    expect(containerEnv(variables, { HOME: '/tmp', POD_IP: '127.64.1.2' })).toEqual({
      HOME: '/workspace/.home',
      POD_IP: '127.64.1.2',
      URL: 'http://127.64.1.2:3000/$(X)',
    });
  });
});
