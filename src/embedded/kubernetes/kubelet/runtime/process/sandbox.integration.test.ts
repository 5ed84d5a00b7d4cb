import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import {
  startProcessCluster,
  titled,
  whyNot,
  type ProcessCluster,
} from '../../../../../../tests/support/process-pods.ts';
import { textAt, valueAt } from '../../../api/kube-object.ts';

const reason = await whyNot('sandbox');

describe.runIf(reason === null)(titled('the sandbox of a container', reason), { timeout: 90_000 }, () => {
  let dataDir = '';
  let cluster: ProcessCluster;
  let count = 0;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'sandbox-'));
    process.env['SANDBOX_TEST_SECRET'] = 'of-the-developer';
    cluster = await startProcessCluster(dataDir);
  });

  afterAll(async () => {
    delete process.env['SANDBOX_TEST_SECRET'];
    await cluster.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** The output of a script that runs in the sandbox of OpenCode's image. */
  async function output(script: string, claimName?: string): Promise<string> {
    count += 1;
    const name = `script-${count}`;
    await cluster.createScript(name, `{ ${script}; } 2>&1; echo done; sleep 600`, claimName);
    return await vi.waitFor(
      async () => {
        const lines = await cluster.log(name, { container: 'main' });
        expect(lines.at(-1)).toBe('done');
        return lines.slice(0, -1).join('\n');
      },
      { timeout: 30_000 },
    );
  }

  it('does not show the home of the developer, the data folder or this repository', async () => {
    writeFileSync(join(dataDir, 'marked.txt'), 'data');
    const hidden = [homedir(), dataDir, join(dataDir, 'marked.txt'), process.cwd(), tmpdir(), '/var/run/docker.sock'];
    const printed = await output(
      hidden.map((path) => `ls -A ${path}; cat ${path}/.bashrc ${path}/package.json`).join('; '),
    );
    expect(printed.split('\n').filter((line) => !/No such file or directory|Not a directory/.test(line))).toEqual([]);
  });

  it('does not show the volume of another project, and its own only at /workspace', async () => {
    const other = join(dataDir, 'volumes', 'other');
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, 'private.txt'), 'of another project');
    const project = await cluster.createProject('files');
    const printed = await output(
      `ls ${other}; ls /workspace; touch /workspace/mine && echo written`,
      project.claimName,
    );
    expect(printed).toContain('No such file');
    expect(printed).toContain('written');
    expect(await output('grep -rl "of another project" /workspace /tmp /run /var /home /root 2>/dev/null')).toBe('');
  });

  it('does not show the secret of another container of the same pod', async () => {
    const project = await cluster.createProject('secrets');
    await vi.waitFor(async () => expect(textAt(await cluster.get(project.name), 'status', 'podIP')).not.toBe(''), {
      timeout: 30_000,
    });
    const secret = project.credentials.sidecar;
    const printed = await output(
      `ls /run/opencode-access; cat /proc/[0-9]*/environ | tr '\\0' '\\n'; grep -rl ${secret} /workspace /run /etc /tmp`,
      project.claimName,
    );
    expect(printed).toMatch(/opencode-access.*No such file/);
    expect(printed).not.toContain(secret);
  });

  it('has only its own processes in /proc, and cannot signal others', async () => {
    const printed = await output(
      `ls /proc | grep -c '^[0-9]'; cat /proc/[0-9]*/cmdline | tr '\\0' ' '; kill -0 ${process.pid}`,
    );
    expect(Number(printed.split('\n')[0])).toBeLessThan(8);
    expect(printed).not.toContain('vitest');
    expect(printed).toMatch(/No such process/);
  });

  it('has the variables of its pod and image, and none of this process', async () => {
    const printed = await output('env');
    expect(printed).not.toContain('SANDBOX_TEST_SECRET');
    expect(printed).toMatch(/^POD_IP=127\./m);
    expect(printed).toMatch(/^HOME=\/workspace\/\.home$/m);
  });

  it('is an ordinary user on read-only files of the system', async () => {
    const printed = await output(
      'id -u; id -un; touch /usr/x /etc/x /x /image/x; cat /etc/shadow; grep CapEff /proc/self/status',
    );
    expect(printed).toMatch(/^1000\nopencode\n/);
    expect(printed.match(/Read-only file system/g)).toHaveLength(4);
    expect(printed).toMatch(/shadow: No such file/);
    expect(printed).toMatch(/CapEff:\t0+$/m);
  });

  it('has the tools of an agent: git, curl and a shell', async () => {
    const printed = await output('git --version; curl --version | head -1; cd /tmp && git init -q repo && ls -d repo');
    expect(printed).toMatch(/^git version .*\ncurl .*\nrepo$/);
  });

  it('gets SIGTERM and time to end when its pod is deleted', async () => {
    const { claimName, claimUid } = await cluster.createClaim('graceful');
    const script = 'trap "echo ended > /workspace/ended; exit 0" TERM; echo waits; sleep 600 & wait';
    await cluster.createScript('graceful', script, claimName);
    await cluster.waitUntilReady('graceful');
    await cluster.followUntil('graceful', 'main', 'waits');
    await cluster.remove('pods', 'graceful');
    await vi.waitFor(async () => expect(await cluster.isGone('pods', 'graceful')).toBe(true), { timeout: 30_000 });
    expect(readFileSync(join(dataDir, 'volumes', claimUid, 'ended'), 'utf8')).toBe('ended\n');
  });

  it('is restarted when its liveness probe fails', async () => {
    const { claimName } = await cluster.createClaim('liveness');
    const script = 'cd /workspace; [ -e once ] && rm -f broken || touch once broken; exec sleep 600';
    const exec = { command: ['/bin/sh', '-c', 'if [ -e /workspace/broken ]; then echo it is broken; exit 1; fi'] };
    const livenessProbe = { exec, initialDelaySeconds: 3, periodSeconds: 1, failureThreshold: 1 };
    await cluster.createScript('liveness', script, claimName, { livenessProbe });
    await vi.waitFor(
      async () =>
        expect(valueAt(await cluster.get('liveness'), 'status', 'containerStatuses')).toMatchObject([
          { ready: true, restartCount: 1, lastState: { terminated: { exitCode: 143, reason: 'Error' } } },
        ]),
      { timeout: 60_000 },
    );
    expect(await cluster.events()).toEqual(
      expect.arrayContaining([
        'Unhealthy: Liveness probe failed: it is broken',
        'Killing: Container main failed liveness probe, will be restarted',
      ]),
    );
  });

  it('reports a command that fails with its code, and waits longer before each further restart', async () => {
    await cluster.createScript('failing', 'echo about to fail; exit 3');
    await vi.waitFor(
      async () => {
        const status = valueAt(await cluster.get('failing'), 'status', 'containerStatuses');
        expect(status).toMatchObject([
          {
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 3, reason: 'Error' } },
          },
        ]);
      },
      { timeout: 30_000 },
    );
    expect(await cluster.log('failing', { container: 'main', previous: 'true' })).toEqual(['about to fail']);
    expect((await cluster.events()).join('\n')).toContain('Back-off restarting failed container main in pod failing_');
  });
});
