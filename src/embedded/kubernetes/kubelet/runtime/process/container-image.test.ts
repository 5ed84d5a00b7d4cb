import { describe, expect, it } from 'vitest';

import { familyOf, hasKnownImages, imageCommand } from './container-image.ts';

const programs = { opencode: '/image/bin/opencode', node: '/image/bin/node', root: '/image' };
const address = '127.64.1.2';

describe('the images of this product', () => {
  it.each([
    ['opencode-project-manager/opencode:0.2.0', 'opencode'],
    ['registry.example.com:5000/team/sidecars@sha256:abc', 'sidecars'],
    ['opencode', 'opencode'],
    ['registry.example.com/opencode-not-found:v1', undefined],
    ['postgres:18', undefined],
  ])('%s is of the family %s', (image, family) => {
    expect(familyOf(image)).toBe(family);
  });

  it('run OpenCode on the address of the pod, unless the container has arguments', () => {
    const serve = ['/image/bin/opencode', 'serve', '--hostname', address, '--port', '3000'];
    expect(imageCommand('opencode', { programs, args: [], address })).toEqual(serve);
    expect(imageCommand('opencode', { programs, args: ['--version'], address })).toEqual([serve[0], '--version']);
  });

  it('run the sidecar that the first argument names, and no other file', () => {
    const run = (name: string) => imageCommand('sidecars', { programs, args: [name], address });
    expect(run('file-browser')).toEqual(['/image/bin/node', '/image/src/sidecars/file-browser/main.ts']);
    expect(run('../../embedded')).toEqual([]);
  });

  it('make a pod one of this runtime only when all its containers have them', () => {
    const pod = (...images: string[]) => ({ spec: { containers: images.map((image) => ({ image })) } });
    expect(hasKnownImages(pod('a/opencode:1', 'a/sidecars:1'))).toBe(true);
    expect(hasKnownImages(pod('a/opencode:1', 'nginx'))).toBe(false);
    expect(hasKnownImages(pod())).toBe(false);
  });
});
