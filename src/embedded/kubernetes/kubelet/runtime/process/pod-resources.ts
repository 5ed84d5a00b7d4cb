/** What a pod refers to in the API: its claims, secrets and config maps, as variables and as files. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

import {
  isJsonObject,
  objectsAt,
  textAt,
  valueAt,
  type JsonObject,
  type KubeObject,
} from '../../../api/kube-object.ts';
import { isFailure, type ApiClient } from '../../api-client.ts';
import type { Mount } from './launcher.ts';
import type { createVolumeFolders } from './volume-folders.ts';

/** Something that a container needs does not exist. The kubelet tries again. */
export class MissingResource extends Error {
  /** `volume`: the pod cannot be set up; `variable`: the container cannot be configured. */
  readonly kind: 'volume' | 'variable';

  constructor(kind: 'volume' | 'variable', message: string) {
    super(message);
    this.name = 'MissingResource';
    this.kind = kind;
  }
}

interface Deps {
  client: Pick<ApiClient, 'get'>;
  volumes: ReturnType<typeof createVolumeFolders>;
  /** The folder for the files of pods. */
  folder: string;
}

export type PodResources = ReturnType<typeof createPodResources>;

export function createPodResources({ client, volumes, folder }: Deps) {
  const folderOf = (uid: string): string => join(folder, uid);

  async function find(pod: KubeObject, plural: string, name: string): Promise<JsonObject | undefined> {
    try {
      return await client.get(`/api/v1/namespaces/${pod.metadata.namespace}/${plural}/${name}`);
    } catch (error) {
      if (isFailure(error, 404)) return undefined;
      throw error;
    }
  }

  /** The variables of a container, before references in them are replaced. @throws MissingResource */
  async function variablesOf(pod: KubeObject, container: JsonObject): Promise<[string, string][]> {
    const variables: [string, string][] = [];
    for (const variable of objectsAt(container, 'env')) {
      const name = textAt(variable, 'name');
      const secret = valueAt(variable, 'valueFrom', 'secretKeyRef');
      const config = valueAt(variable, 'valueFrom', 'configMapKeyRef');
      if (isJsonObject(secret)) variables.push([name, await keyOf(pod, 'secret', secret)]);
      else if (isJsonObject(config)) variables.push([name, await keyOf(pod, 'configmap', config)]);
      else variables.push([name, textAt(variable, 'value')]);
    }
    return variables;
  }

  async function keyOf(pod: KubeObject, kind: 'secret' | 'configmap', reference: JsonObject): Promise<string> {
    const [name, key] = [textAt(reference, 'name'), textAt(reference, 'key')];
    const found = await find(pod, `${kind}s`, name);
    if (found === undefined) throw new MissingResource('variable', `${kind} "${name}" not found`);
    const value = contentOf(found).get(key);
    if (value !== undefined) return value.toString('utf8');
    const title = kind === 'secret' ? 'Secret' : 'ConfigMap';
    throw new MissingResource('variable', `couldn't find key ${key} in ${title} ${pod.metadata.namespace}/${name}`);
  }

  /** Writes the files of a pod's secrets and config maps, and returns where each volume is. @throws MissingResource */
  async function sourcesOf(pod: KubeObject): Promise<Map<string, string>> {
    const sources = new Map<string, string>();
    for (const volume of objectsAt(pod, 'spec', 'volumes')) {
      const name = textAt(volume, 'name');
      const source = await sourceOf(pod, volume);
      if (source !== undefined) sources.set(name, source);
    }
    return sources;
  }

  async function sourceOf(pod: KubeObject, volume: JsonObject): Promise<string | undefined> {
    const claim = textAt(volume, 'persistentVolumeClaim', 'claimName');
    if (claim !== '') return await claimFolder(pod, claim);
    const own = join(folderOf(pod.metadata.uid), 'volumes', textAt(volume, 'name'));
    const secret = valueAt(volume, 'secret');
    const config = valueAt(volume, 'configMap');
    if (isJsonObject(secret))
      await writeFiles(pod, own, { kind: 'secret', name: textAt(secret, 'secretName'), from: secret });
    else if (isJsonObject(config))
      await writeFiles(pod, own, { kind: 'configmap', name: textAt(config, 'name'), from: config });
    else if (valueAt(volume, 'emptyDir') !== undefined) mkdirSync(own, { recursive: true, mode: 0o700 });
    else return undefined;
    return own;
  }

  async function claimFolder(pod: KubeObject, name: string): Promise<string> {
    const uid = textAt(await find(pod, 'persistentvolumeclaims', name), 'metadata', 'uid');
    if (uid === '') throw new MissingResource('volume', `persistentvolumeclaim "${name}" not found`);
    volumes.create(uid);
    return volumes.of(uid);
  }

  async function writeFiles(
    pod: KubeObject,
    target: string,
    { kind, name, from }: { kind: 'secret' | 'configmap'; name: string; from: JsonObject },
  ): Promise<void> {
    const found = await find(pod, `${kind}s`, name);
    if (found === undefined) {
      throw new MissingResource('volume', `MountVolume.SetUp failed for volume : ${kind} "${name}" not found`);
    }
    const content = contentOf(found);
    const items = objectsAt(from, 'items').map((item) => [textAt(item, 'key'), textAt(item, 'path')] as const);
    for (const [key, path] of items.length > 0 ? items : [...content.keys()].map((each) => [each, each] as const)) {
      const value = content.get(key);
      if (value === undefined) {
        throw new MissingResource('volume', `references non-existent ${kind} key: ${key}`);
      }
      if (normalize(path).startsWith('..')) throw new MissingResource('volume', `${path} leaves its volume`);
      const file = join(target, path);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, value, { mode: 0o600 });
    }
  }

  return {
    variablesOf,
    sourcesOf,
    /** An empty file for the last message of a container. */
    createMessageFile(uid: string, container: string): string {
      const file = join(folderOf(uid), 'messages', container);
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, '', { mode: 0o600 });
      return file;
    },
    remove: (uid: string): void => rmSync(folderOf(uid), { recursive: true, force: true }),
  };
}

/** The mounts of a container. Only files that it may change can be written. */
export function mountsOf(pod: KubeObject, container: JsonObject, sources: ReadonlyMap<string, string>): Mount[] {
  return objectsAt(container, 'volumeMounts').flatMap((mount) => {
    const source = sources.get(textAt(mount, 'name'));
    if (source === undefined) return [];
    const isReadOnly = mount['readOnly'] === true || !isClaim(pod, textAt(mount, 'name'));
    return [{ source: join(source, textAt(mount, 'subPath')), target: textAt(mount, 'mountPath'), isReadOnly }];
  });
}

function isClaim(pod: KubeObject, volumeName: string): boolean {
  const volume = objectsAt(pod, 'spec', 'volumes').find((each) => textAt(each, 'name') === volumeName);
  return valueAt(volume, 'secret') === undefined && valueAt(volume, 'configMap') === undefined;
}

/** The entries of a secret or a config map. */
function contentOf(found: JsonObject): Map<string, Buffer> {
  const encoding = textAt(found, 'kind') === 'ConfigMap' ? 'utf8' : 'base64';
  const data = valueAt(found, 'data');
  const entries = isJsonObject(data) ? Object.entries(data) : [];
  return new Map(entries.map(([key, value]) => [key, Buffer.from(typeof value === 'string' ? value : '', encoding)]));
}
