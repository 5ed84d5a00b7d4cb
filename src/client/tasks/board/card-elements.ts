/** Finds the cards of the board on the page. They have `data-task-id`, and the link with their title takes the focus. */

export function taskIdAt(element: Element): string | undefined {
  return element.closest<HTMLElement>('[data-task-id]')?.dataset['taskId'];
}

export function cardLink(board: Element | null, taskId: string): HTMLElement | null {
  return board?.querySelector<HTMLElement>(`[data-task-id="${CSS.escape(taskId)}"] a`) ?? null;
}
