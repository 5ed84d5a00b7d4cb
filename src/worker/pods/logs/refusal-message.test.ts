import { describe, expect, it } from 'vitest';

import { fromResponse } from '../kube/kubernetes-error.ts';
import { refusalMessage } from './refusal-message.ts';

const pod = 'project-of-somebody-else';
const answer = (status: number, message: string) => fromResponse({ status, body: { kind: 'Status', message } });
const request = { container: 'opencode-server', previous: false };

describe('the message about a log that cannot be read', () => {
  it.each([
    [400, `container "opencode-server" in pod "${pod}" is waiting to start: PodInitializing`, 'has not started yet'],
    [400, `previous terminated container "opencode-server" in pod "${pod}" not found`, 'no log of a previous run'],
    [400, `container opencode-server is not valid for pod ${pod}`, 'has no container opencode-server'],
    [400, `something else about ${pod}`, 'cannot show the log of opencode-server'],
    [401, 'Unauthorized', 'does not accept the credentials'],
    [403, `pods "${pod}" is forbidden: User "x" cannot get resource "pods/log"`, 'may not read logs'],
    [404, `pods "${pod}" not found`, 'does not exist in the cluster'],
    [429, 'Too many requests', 'asks us to wait'],
    [500, `Get "https://10.0.0.1:10250/containerLogs/${pod}": dial tcp: connection refused`, 'node of the pod'],
    [0, '', 'The cluster does not answer'],
  ])('for status %i and "%s" says that it "%s"', (status, text, expected) => {
    const message = refusalMessage(answer(status, text), request);
    expect(message).toContain(expected);
    expect(message).not.toContain(pod);
  });
});
