/** The product's logo: a box, which stands for the workspace of a project. */

export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect width="24" height="24" rx="6" fill="var(--mantine-color-iris-6)" />
      <path
        d="M12 5.2 17.9 8.6v6.8L12 18.8 6.1 15.4V8.6z M6.3 8.7 12 12l5.7-3.3 M12 12v6.6"
        fill="none"
        stroke="#fff"
        strokeWidth="1.6"
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}
