/** Splits a line into the parts that match the query, in any case, and the parts between. */
export function splitAtMatches(text: string, query: string): { text: string; isMatch: boolean }[] {
  const [haystack, needle] = [text.toLowerCase(), query.toLowerCase()];
  // Some letters have another length in lower case. The places would not be those of the text then.
  if (needle === '' || haystack.length !== text.length) return [{ text, isMatch: false }];
  const parts: { text: string; isMatch: boolean }[] = [];
  let from = 0;
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isMatch: false });
    from = at + needle.length;
    parts.push({ text: text.slice(at, from), isMatch: true });
  }
  if (from < text.length) parts.push({ text: text.slice(from), isMatch: false });
  return parts;
}
