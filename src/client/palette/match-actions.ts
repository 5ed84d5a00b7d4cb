/** The actions that the command palette offers, and the search in them. */

export interface PaletteAction {
  id: string;
  group: 'This project' | 'Projects' | 'Go to' | 'More';
  label: string;
  /** A second text beside the label. The search covers it too. */
  hint?: string;
  run: () => void;
}

/**
 * Returns the actions whose label or hint contains every word of the query. Groups stay together and in order; within a
 * group, labels that start with the query come first.
 */
export function matchActions(actions: readonly PaletteAction[], query: string, limit = 50): PaletteAction[] {
  const terms = query.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = actions.flatMap((action) => {
    const text = `${action.label} ${action.hint ?? ''}`.toLowerCase();
    if (!terms.every((term) => text.includes(term))) return [];
    return [{ action, isPrefix: action.label.toLowerCase().startsWith(terms.join(' ')) }];
  });
  const groups = [...new Set(matches.map(({ action }) => action.group))];
  return groups
    .flatMap((group) => {
      const members = matches.filter(({ action }) => action.group === group);
      return [...members.filter(({ isPrefix }) => isPrefix), ...members.filter(({ isPrefix }) => !isPrefix)];
    })
    .map(({ action }) => action)
    .slice(0, limit);
}
