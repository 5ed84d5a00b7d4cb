/** Joins the parts of a list in a message. */

/** For example "CPU, memory and storage". */
export function joinWithAnd(parts: string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
