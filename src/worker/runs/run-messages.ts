/** What people read about a run, in sentences: what is happening, or how it ended and what to do next. Pure. */

import type { MessageFailure } from '../../shared/opencode/opencode-answers.ts';
import type { RunEnd } from './decide-run.ts';

export const runMessages = {
  preparing: 'OpenCode prepares a branch for the task.',
  reviewQueued: 'Waiting for a worker to take the review.',
  noVerdict:
    'The reviewer gave no verdict that can be read. Read the changes yourself, or choose “Run again” for another review.',
  running: 'The agent is working.',
  needsPermission: 'The agent asks for a permission. Answer it to let the agent continue.',
  hasQuestion: 'The agent has a question. Answer it to let the agent continue.',
  aborting: 'The run is being aborted.',
  aborted: 'The run was aborted. What the agent had changed until then stays in the files.',
  abortIgnored:
    'The run was aborted, but OpenCode did not stop the agent, which may still work. Restart the project to stop it.',
  abortedInOpenCode: 'The run was aborted in OpenCode. Send a follow-up to continue.',
  succeeded: 'The agent has finished.',
  rejected: 'The agent stopped, because a permission was rejected. Send a follow-up to tell it what to do instead.',
  interrupted:
    'The run was interrupted: OpenCode was restarted while the agent worked. Look at the files, then send a follow-up or choose “Run again”.',
  projectStopped:
    'The run was interrupted: the project was stopped while the agent worked. Look at the files, then send a follow-up or choose “Run again”.',
  projectDeleted: 'The project was deleted, and the run with it.',
  noAnswer: 'OpenCode does not answer right now. The run continues when it does.',
  noAnswerForLong: 'OpenCode has not answered for ten minutes. Restart the project, then choose “Run again”.',
  sessionGone: 'The session of the run does not exist in OpenCode any more. Choose “Run again”.',
  promptGone: 'The prompt was removed from its session in OpenCode. Choose “Run again”.',
  unknownIds:
    'This version of OpenCode numbers its messages in an unknown way. An administrator must update the program.',
  lengthLimit: 'The answer of the model was cut, because it reached the length limit. Send a follow-up to continue.',
  contentFilter:
    'The provider of the model refused the answer by its content filter. Change the text of the task, then choose “Run again”.',
  contextOverflow:
    'The conversation is longer than the model can read. Make the task smaller or choose a model that reads more, then choose “Run again”.',
  endsWorkers:
    'The run was given up: four workers in a row ended or stopped answering while they followed it. The agent may still work: restart the project to stop it. An administrator must find the cause in the log of the workers. Then choose “Run again”.',
  internalError:
    'Something went wrong in the project manager itself. An administrator can find the cause in the log of the worker. Then choose “Run again”.',
} as const;

/** A project that is not ready, while a run needs it. */
export function waitingMessage(project: { isStopped: boolean; message: string | null }): string {
  if (project.isStopped) return 'The project is stopped. Start it: the run begins when the project is ready.';
  const cause = project.message === null ? '' : ` ${project.message}`;
  return `The run waits until the project is ready.${cause}`;
}

/** The cause is not known: there may be no key, no such model, or no way to the provider. */
const checkModel =
  'Check under Settings → Models that its provider has a key, and under Config which model the project uses.';

/** OpenCode repeats a request to the model. */
export function retryMessage({ attempt, message }: { attempt: number; message: string }): string {
  return `The model did not answer (${quote(message)}). OpenCode tries again, attempt ${attempt}. If this continues, abort the run. ${checkModel}`;
}

/** How a run ends whose last message is complete. `finish`: why the model stopped, as OpenCode says it. */
export function endOfFinish(finish: string | null): RunEnd {
  switch (finish) {
    case null:
      // OpenCode completes a message in this way when it is aborted before the model has answered.
      return { state: 'aborted', message: runMessages.abortedInOpenCode };
    case 'tool-calls':
      // After any other tool call the agent continues.
      return { state: 'aborted', message: runMessages.rejected };
    case 'length':
      return { state: 'failed', message: runMessages.lengthLimit };
    case 'content-filter':
      return { state: 'failed', message: runMessages.contentFilter };
    default:
      return { state: 'succeeded', message: runMessages.succeeded };
  }
}

/** How a run ends whose last message failed. */
export function endOfFailure(failure: MessageFailure): RunEnd {
  if (failure.name === 'MessageAbortedError') return { state: 'aborted', message: runMessages.abortedInOpenCode };
  return { state: 'failed', message: failureMessage(failure) };
}

function failureMessage({ name, message, statusCode }: MessageFailure): string {
  switch (name) {
    case 'ContextOverflowError':
      return runMessages.contextOverflow;
    case 'MessageOutputLengthError':
      return runMessages.lengthLimit;
    case 'ContentFilterError':
      return runMessages.contentFilter;
    case 'ProviderAuthError':
      return keyRefused('');
    case 'APIError':
      return providerMessage(statusCode, message);
    default:
      return `The agent stopped with an error (${quote(message === '' ? name : message)}). ${checkModel} Then choose “Run again”.`;
  }
}

function providerMessage(status: number | null, message: string): string {
  if (status === null)
    return `The connection to the provider of the model broke (${quote(message)}). Choose “Run again” later. ${checkModel}`;
  if (status === 401 || status === 403) return keyRefused(` (${status})`);
  if (status === 429) {
    return 'The provider of the model accepts no more requests for now (429): there were too many, or the credit is used up. Choose “Run again” later, or another model under Config.';
  }
  if (status >= 500) return `The provider of the model has a failure of its own (${status}). Choose “Run again” later.`;
  return `The provider of the model refused the request (${status}: ${quote(message)}). Check under Config which model the project uses, then choose “Run again”.`;
}

/** The text of the provider is not repeated: it may contain a part of the key. */
function keyRefused(status: string): string {
  return `The provider of the model refused the key${status}. Replace the key under Settings → Models, or choose another model under Config. Then choose “Run again”.`;
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
