/** Turns a container of a pod into one that can be launched. */

import { dirname } from 'node:path';

import { listAt, textAt, type JsonObject, type KubeObject } from '../../../api/kube-object.ts';
import { familyOf, imageCommand, imageFolder, type ImageFamily } from './container-image.ts';
import { expandVariables } from './expand-variables.ts';
import { terminationPath, type Launcher, type ResolvedContainer } from './launcher.ts';
import { mountsOf, type PodResources } from './pod-resources.ts';

interface ResolveOptions {
  pod: KubeObject;
  container: JsonObject;
  /** The first part of the id: see `ownerOf`. */
  owner: string;
  address: string;
  restartCount: number;
  launcher: Pick<Launcher, 'programs'>;
  resources: PodResources;
  /** Variables for OpenCode that the environment of this process gives, such as those that make it work offline. */
  openCodeEnv: Readonly<Record<string, string>>;
}

/** @throws MissingResource when the pod refers to something that does not exist */
export async function resolveContainer(
  options: ResolveOptions,
): Promise<{ resolved: ResolvedContainer; messageFile: string }> {
  const { pod, container, owner, address, restartCount, launcher, resources } = options;
  const { uid } = pod.metadata;
  const name = textAt(container, 'name');
  // Pods with other images are not given to this runtime.
  const family = familyOf(textAt(container, 'image')) as ImageFamily;
  const sources = await resources.sourcesOf(pod);
  const env = containerEnv(await resources.variablesOf(pod, container), {
    ...imageEnv(options, family),
    ...podEnv(address, family),
  });
  const expand = (list: string): string[] =>
    listAt(container, list).map((item) => expandVariables(typeof item === 'string' ? item : '', env));
  const [command, args] = [expand('command'), expand('args')];
  const messageFile = resources.createMessageFile(uid, name);
  const resolved: ResolvedContainer = {
    id: `${owner}/${uid}/${name}/${restartCount}`,
    family,
    command:
      command.length > 0 ? [...command, ...args] : imageCommand(family, { programs: launcher.programs, args, address }),
    env,
    workingDir: textAt(container, 'workingDir') || imageFolder(family),
    hostname: pod.metadata.name.slice(0, 63),
    mounts: [...mountsOf(pod, container, sources), { source: messageFile, target: terminationPath, isReadOnly: false }],
  };
  return { resolved, messageFile };
}

/** The variables of a container. A value can refer to variables before it. Those of the pod win over those of the image. */
export function containerEnv(
  variables: readonly (readonly [string, string])[],
  base: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = { ...base };
  for (const [name, value] of variables) env[name] = expandVariables(value, env);
  return env;
}

function imageEnv({ launcher, openCodeEnv }: ResolveOptions, family: ImageFamily): Record<string, string> {
  const { opencode, node } = launcher.programs;
  const own = [...new Set([dirname(family === 'opencode' ? opencode : node), dirname(node)])];
  return {
    PATH: [...own, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    LANG: 'C.UTF-8',
    HOME: family === 'opencode' ? '/workspace/.home' : '/tmp',
    ...(family === 'opencode' ? openCodeEnv : {}),
  };
}

/** Containers of a real pod share one loopback address. Here each pod has one of its own, which its programs must know. */
function podEnv(address: string, family: ImageFamily): Record<string, string> {
  return family === 'opencode' ? { POD_IP: address } : { POD_IP: address, HOST: address, UPSTREAM_HOST: address };
}
