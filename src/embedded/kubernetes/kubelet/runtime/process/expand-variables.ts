/** References to variables in the texts of a pod, as the kubelet replaces them. */

/**
 * Replaces `$(NAME)` by the value of the variable, and `$$` by `$`. A reference to a variable that does not exist stays as it is.
 * See https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expandVariables(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (match, name: string | undefined) => {
    if (name === undefined) return '$';
    return Object.hasOwn(variables, name) ? (variables[name] ?? '') : match;
  });
}
