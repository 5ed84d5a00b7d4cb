/** Loads parts of the client that the first page does not need, after the user's first interaction. */

/** Loads what the user is likely to open next. It then opens without a delay, even while the server is restarting. */
export async function preloadParts(): Promise<void> {
  // A part that fails to load here is loaded again when it is needed.
  await Promise.allSettled([
    import('./projects/CreateProjectDialog.tsx'),
    import('./projects/DeleteProjectDialog.tsx'),
    import('./palette/Palette.tsx'),
    import('./projects/ProjectMenuContent.tsx'),
    import('./projects/ProjectPage.tsx'),
    import('./ui/UserMenuContent.tsx'),
  ]);
}

const interactions = ['pointermove', 'pointerdown', 'keydown', 'touchstart'] as const;

/** Resolves after the user's first interaction, when the browser is idle (after at most 500 ms). */
export function firstInteraction(window: Window): Promise<void> {
  return new Promise((resolve) => {
    const onInteraction = (): void => {
      for (const name of interactions) window.removeEventListener(name, onInteraction);
      if ('requestIdleCallback' in window) window.requestIdleCallback(() => resolve(), { timeout: 500 });
      else resolve();
    };
    for (const name of interactions) window.addEventListener(name, onInteraction, { passive: true });
  });
}
