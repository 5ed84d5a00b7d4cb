import { describe, expect, it } from 'vitest';

import { parseAddress, parseUrl } from './address.ts';

const read = (path: string) => {
  const address = parseAddress(path);
  return address && [address.definition.plural, address.namespace, address.name, address.subresource];
};

describe('the path of a request', () => {
  it.each([
    ['/api/v1/pods', ['pods', undefined, undefined, undefined]],
    ['/api/v1/namespaces/n/pods', ['pods', 'n', undefined, undefined]],
    ['/api/v1/namespaces/n/pods/p%20q', ['pods', 'n', 'p q', undefined]],
    ['/api/v1/namespaces/n/pods/p/log', ['pods', 'n', 'p', 'log']],
    ['/api/v1/namespaces/n', ['namespaces', undefined, 'n', undefined]],
    ['/api/v1/namespaces/n/status', ['namespaces', undefined, 'n', 'status']],
    ['/apis/storage.k8s.io/v1/storageclasses/standard', ['storageclasses', undefined, 'standard', undefined]],
  ])('%s names a resource', (path, address) => {
    expect(read(path)).toEqual(address);
  });

  it.each([
    '/api/v1/teapots',
    '/api/v1/pods/p',
    '/api/v1/namespaces/n/nodes',
    '/api/v1/namespaces/n/pods/p/no-such-part',
    '/api/v1/namespaces/n/pods/p/log/more',
    '/apis/storage.k8s.io/v2/storageclasses',
    '/api/v2/pods',
  ])('%s names no resource', (path) => {
    expect(read(path)).toBeUndefined();
  });

  it('is refused when it is not properly encoded or names another host', () => {
    expect(() => parseAddress('/api/v1/namespaces/n/pods/%zz')).toThrow('not properly encoded');
    expect(() => parseUrl('https://elsewhere/api')).toThrow('cannot be read');
    expect(parseUrl('//elsewhere/api').hostname).toBe('embedded');
  });
});
