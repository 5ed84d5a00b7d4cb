/** Loads what people are likely to open next, so that it opens at once, and opens although the server is away just then. */
export async function preloadParts(): Promise<void> {
  // Whatever fails here is loaded again when it is needed.
  await Promise.allSettled([
    import('./projects/CreateProjectDialog.tsx'),
    import('./projects/DeleteProjectDialog.tsx'),
    import('./commands/CommandPalette.tsx'),
    import('./projects/ProjectMenuOpen.tsx'),
    import('./projects/ProjectPage.tsx'),
    import('./ui/UserMenuOpen.tsx'),
  ]);
}
