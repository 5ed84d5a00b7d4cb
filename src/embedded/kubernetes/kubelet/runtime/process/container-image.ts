/** What the images of this product run, as their Dockerfiles say it: the program, its folder and its variables. */

import { objectsAt, textAt, type JsonObject } from '../../../api/kube-object.ts';

export type ImageFamily = 'opencode' | 'sidecars';

/** The family of an image, by the last part of its name; undefined for images that are not ours. */
export function familyOf(image: string): ImageFamily | undefined {
  const repository = image.split('@')[0]?.split('/').at(-1)?.split(':')[0];
  return repository === 'opencode' || repository === 'sidecars' ? repository : undefined;
}

/** Whether every container of a pod has an image that this runtime knows. */
export function hasKnownImages(pod: JsonObject): boolean {
  const containers = [...objectsAt(pod, 'spec', 'initContainers'), ...objectsAt(pod, 'spec', 'containers')];
  return containers.length > 0 && containers.every((container) => familyOf(textAt(container, 'image')) !== undefined);
}

/** Where the programs of the images are. */
export interface ImagePrograms {
  opencode: string;
  node: string;
  /** The folder with `src/sidecars`. */
  root: string;
}

/** The command of a container that names none, with its arguments. They are empty for a sidecar that does not exist. */
export function imageCommand(
  family: ImageFamily,
  { programs, args, address }: { programs: ImagePrograms; args: readonly string[]; address: string },
): string[] {
  if (family === 'opencode') {
    return [programs.opencode, ...(args.length > 0 ? args : ['serve', '--hostname', address, '--port', '3000'])];
  }
  const [name = '', ...rest] = args;
  if (!['file-browser', 'session-proxy'].includes(name)) return [];
  return [programs.node, `${programs.root}/src/sidecars/${name}/main.ts`, ...rest];
}

/** The folder in which a container starts that names none. */
export const imageFolder = (family: ImageFamily): string => (family === 'opencode' ? '/workspace' : '/');
