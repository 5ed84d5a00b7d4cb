/** The version of Kubernetes that the embedded cluster implements. Its API server and its node report it. */

export const minorVersion = '37';
export const serverVersion = `v1.${minorVersion}.0+opencode-embedded`;
