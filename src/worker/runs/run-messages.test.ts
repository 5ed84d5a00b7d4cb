import { describe, expect, it } from 'vitest';

import { endOfFailure, endOfFinish, retryMessage, runMessages } from './run-messages.ts';

const failures = [
  { name: 'ProviderAuthError', message: 'no key', statusCode: null },
  { name: 'APIError', message: 'fetch failed', statusCode: null },
  { name: 'APIError', message: 'unauthorized', statusCode: 401 },
  { name: 'UnknownError', message: 'ProviderModelNotFoundError', statusCode: null },
];

describe('the message of a run', () => {
  it('names the button that the page has', () => {
    const ends = [
      ...failures,
      ...[400, 429, 500].map((statusCode) => ({ name: 'APIError', message: 'no', statusCode })),
      ...['ContextOverflowError', 'MessageOutputLengthError', 'ContentFilterError'].map((name) => ({
        name,
        message: '',
        statusCode: null,
      })),
    ].map((failure) => endOfFailure(failure).message);
    const finishes = ['length', 'content-filter', 'tool-calls'].map((finish) => endOfFinish(finish).message);
    for (const message of [...Object.values(runMessages), ...ends, ...finishes]) {
      expect(message).not.toMatch(/start (?:the run |the task )?again|start a new run|run the task again/i);
    }
  });

  it('asks nobody to start a project that may run again when the message is read', () => {
    expect(runMessages.projectStopped).not.toMatch(/start the project/i);
  });

  it('says where keys and models are when the cause may be a missing one', () => {
    for (const failure of failures) {
      const { message } = endOfFailure(failure);
      expect(message).toContain('Settings → Models');
      expect(message).toContain('“Run again”');
    }
    expect(retryMessage({ attempt: 3, message: 'fetch failed' })).toMatch(/fetch failed.*Settings → Models/);
  });
});
