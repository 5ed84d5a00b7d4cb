/**
 * Ids of prompts, chosen before they are sent. OpenCode sorts messages by id, and its own ids begin with the time in milliseconds
 * times 4,096, as 12 hexadecimal digits. A prompt must sort after everything before it and before every answer to it. So its id
 * is the next one after a time or an id that OpenCode itself has given: the clock of this process does not matter.
 */

const idForm = /^msg_([0-9a-f]{12})/;
/** Ids have 14 more characters, which are random at OpenCode. */
const rest = '0'.repeat(14);
const largest = 16n ** 12n - 1n;

/** @param sessionCreatedMs when OpenCode created the session, in milliseconds since the epoch */
export function firstMessageId(sessionCreatedMs: number): string {
  return idOf(BigInt(Math.max(0, Math.floor(sessionCreatedMs))) * 4_096n);
}

/** @param lastId the id of the newest message of the session; `null` if it is not one of OpenCode's ids */
export function messageIdAfter(lastId: string): string | null {
  const [, number] = idForm.exec(lastId) ?? [];
  return number === undefined ? null : idOf(BigInt(`0x${number}`) + 1n);
}

function idOf(value: bigint): string {
  // OpenCode keeps the last 12 digits of a larger number.
  return `msg_${(value & largest).toString(16).padStart(12, '0')}${rest}`;
}

/** The id of the text of a prompt. Because it is fixed, OpenCode stores the text once, however often it is sent. */
export function textPartId(messageId: string): string {
  return messageId.replace(/^msg_/, 'prt_');
}
