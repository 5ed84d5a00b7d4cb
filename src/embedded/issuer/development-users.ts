/** The users who can sign in to the embedded issuer. */

/** The issuer under which these users are stored. The URL of the embedded issuer differs when its port is taken. */
export const embeddedIdentityIssuer = 'embedded';

interface DevelopmentUser {
  subject: string;
  name: string;
  email: string;
  password: string;
}

/** The users of the embedded issuer. Their passwords are public, because only this machine can reach the issuer. */
export const developmentUsers: readonly DevelopmentUser[] = ['a', 'b', 'c'].map((letter) => ({
  subject: `user-${letter}`,
  name: `User ${letter.toUpperCase()}`,
  email: `user-${letter}@example.test`,
  password: `user-${letter}`,
}));

/** The user with this name and password, or null. */
export function checkPassword({ name, password }: { name: string; password: string }): DevelopmentUser | null {
  return developmentUsers.find((user) => user.subject === name && user.password === password) ?? null;
}

export function findDevelopmentUser(subject: string): DevelopmentUser | null {
  return developmentUsers.find((user) => user.subject === subject) ?? null;
}
