/** The labels of keys as they are printed on the user's keyboard. */

export function keyLabels(keys: readonly string[], platform = navigator.userAgent): string[] {
  const mod = /Mac|iPhone|iPad/.test(platform) ? '⌘' : 'Ctrl ';
  return keys.map((key) => (key.startsWith('mod+') ? `${mod}${key.slice(4).toUpperCase()}` : key.toUpperCase()));
}
