/** What the command palette offers for a text. */

export interface Command {
  id: string;
  group: 'This project' | 'Projects' | 'Go to' | 'More';
  label: string;
  /** Said beside it, and found by as well. */
  hint?: string;
  run: () => void;
}

/** Those that hold every word of the text, the ones that begin with it first; each group stays together, in its order. */
export function matchCommands(commands: readonly Command[], text: string, limit = 50): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = commands.flatMap((command) => {
    const found = `${command.label} ${command.hint ?? ''}`.toLowerCase();
    if (!words.every((word) => found.includes(word))) return [];
    return [{ command, startsWith: command.label.toLowerCase().startsWith(words.join(' ')) }];
  });
  const groups = [...new Set(ranked.map(({ command }) => command.group))];
  return groups
    .flatMap((group) => {
      const members = ranked.filter(({ command }) => command.group === group);
      return [...members.filter(({ startsWith }) => startsWith), ...members.filter(({ startsWith }) => !startsWith)];
    })
    .map(({ command }) => command)
    .slice(0, limit);
}
