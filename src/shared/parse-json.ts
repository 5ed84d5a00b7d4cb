/** Parses JSON that may be malformed. JSON has no `undefined`, so the result is unambiguous. */

/** The parsed value, or `undefined` when `text` is not JSON. Validate the value with a schema. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
