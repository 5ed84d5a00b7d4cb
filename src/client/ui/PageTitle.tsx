/** Names the page in the window's title. */
export function PageTitle({ children }: { children: string }) {
  return <title>{`${children} · OpenCode Project Manager`}</title>;
}
