/**
 * Ids of prompts, chosen before they are sent. OpenCode sorts messages by id, and its own ids begin with the time in milliseconds
 * times 4,096, as 12 hexadecimal digits. A prompt must sort after everything before it and before every answer to it. So its id
 * is the next one after a time or an id that OpenCode itself has given: the clock of this process does not matter. The rest of the id belongs to the run,
 * so its prompt is recognised even when the row of the run has forgotten it, after a restore of the database.
 */

import { createHash } from 'node:crypto';

const idForm = /^msg_([0-9a-f]{12})/;
/** Ids have 14 more characters, which are random at OpenCode. */
const restOf = (runId: string) => createHash('sha256').update(runId).digest('hex').slice(0, 14);
const largest = 16n ** 12n - 1n;

/** @param sessionCreatedMs when OpenCode created the session, in milliseconds since the epoch */
export function firstMessageId(runId: string, sessionCreatedMs: number): string {
  return idOf(runId, BigInt(Math.max(0, Math.floor(sessionCreatedMs))) * 4_096n);
}

/** @param lastId the id of the newest message of the session; `null` if it is not one of OpenCode's ids */
export function messageIdAfter(runId: string, lastId: string): string | null {
  const [, number] = idForm.exec(lastId) ?? [];
  return number === undefined ? null : idOf(runId, BigInt(`0x${number}`) + 1n);
}

/** Whether a message with this id is the prompt of the run. */
export function isPromptOf(runId: string, messageId: string): boolean {
  return idForm.test(messageId) && messageId.endsWith(restOf(runId)) && messageId.length === 30;
}

function idOf(runId: string, value: bigint): string {
  // OpenCode keeps the last 12 digits of a larger number.
  return `msg_${(value & largest).toString(16).padStart(12, '0')}${restOf(runId)}`;
}

/** The id of the text of a prompt. Because it is fixed, OpenCode stores the text once, however often it is sent. */
export function textPartId(messageId: string): string {
  return messageId.replace(/^msg_/, 'prt_');
}
