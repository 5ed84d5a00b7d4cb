/** The pattern of LIKE for texts that contain this one. The characters `%`, `_` and `\` of the text stand for themselves. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
