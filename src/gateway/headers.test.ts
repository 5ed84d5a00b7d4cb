import { describe, expect, it } from 'vitest';

import { isSameOrigin, requestHeadersFor, responseHeadersFor } from './headers.ts';

const origin = 'http://p-1.localhost:3080';

describe('the headers of a request', () => {
  it('carry the credential of the pod in place of what the caller sent, and no cookie of the product', () => {
    const passed = requestHeadersFor(
      {
        host: 'p-1.localhost:3080',
        origin,
        authorization: 'Bearer ocpm_secret',
        cookie: 'opencode-workspace=a; oc_locale=de; __Host-opencode-session=b; opencode-session=c',
        'x-forwarded-for': '10.0.0.1',
      },
      'credential',
    );
    expect(passed).toEqual({
      host: 'p-1.localhost:3080',
      origin,
      authorization: 'Bearer credential',
      cookie: 'oc_locale=de',
    });
  });

  it('carry no cookie header when only cookies of the product were sent', () => {
    expect(requestHeadersFor({ cookie: 'opencode-workspace=a' }, 'x')).toEqual({ authorization: 'Bearer x' });
  });
});

describe('the headers of an answer', () => {
  it('set no cookie of the product and no cookie for other hosts', () => {
    const { 'set-cookie': cookies } = responseHeadersFor({
      'set-cookie': [
        'opencode-workspace=evil',
        '__Host-opencode-session=evil; Path=/',
        'oc_locale=de; Domain=example.com; Path=/',
      ],
    });
    expect(cookies).toEqual(['oc_locale=de; Path=/']);
  });

  it('give no other origin access, ask for no password, and keep the policy of the pod beside ours', () => {
    const headers = responseHeadersFor({
      'access-control-allow-origin': '*',
      'www-authenticate': 'Basic',
      'content-security-policy': "default-src 'self'",
      'content-type': 'text/html',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
    expect(headers).not.toHaveProperty('www-authenticate');
    expect(headers['content-security-policy']).toBe("default-src 'self', frame-ancestors 'self'");
    expect(headers['content-type']).toBe('text/html');
  });

  it('keeps proxies in front from holding back events, and nothing else', () => {
    const of = (type: string) => responseHeadersFor({ 'content-type': type })['x-accel-buffering'];
    expect(of('text/event-stream; charset=utf-8')).toBe('no');
    expect(of('text/html')).toBeUndefined();
  });
});

describe('a request is of the same origin', () => {
  const request = (method: string, headers: Record<string, string>, isUpgrade = false) => ({
    method,
    headers,
    isUpgrade,
  });
  it.each([
    ['a navigation from the address bar', request('GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })],
    [
      'a navigation from the product',
      request('GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }),
    ],
    ['a script of the page', request('GET', { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })],
    ['a POST of the page', request('POST', { origin })],
    ['a WebSocket of the page', request('GET', { origin }, true)],
    ['an old browser', request('GET', {})],
  ])('when it is %s', (_name, given) => {
    expect(isSameOrigin(given, origin)).toBe(true);
  });

  it.each([
    [
      'an image of another project',
      request('GET', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }),
    ],
    [
      'a frame of another page',
      request('GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }),
    ],
    ['a POST of another project', request('POST', { origin: 'http://p-2.localhost:3080' })],
    ['a POST without an origin', request('POST', {})],
    ['a WebSocket of another page', request('GET', { origin: 'http://evil.example' }, true)],
    ['a WebSocket without an origin', request('GET', {}, true)],
    ['a sandboxed page', request('POST', { origin: 'null' })],
  ])('but not when it is %s', (_name, given) => {
    expect(isSameOrigin(given, origin)).toBe(false);
  });
});
