export interface DevelopmentUser {
  subject: string;
  name: string;
  email: string;
  password: string;
}

/** Who can sign in to the embedded issuer. Their passwords are no secret: the issuer listens on this machine alone. */
export const developmentUsers: readonly DevelopmentUser[] = ['a', 'b', 'c'].map((letter) => ({
  subject: `user-${letter}`,
  name: `User ${letter.toUpperCase()}`,
  email: `user-${letter}@example.test`,
  password: `user-${letter}`,
}));

/** The user of that name and password, or null. */
export function checkPassword({ name, password }: { name: string; password: string }): DevelopmentUser | null {
  return developmentUsers.find((user) => user.subject === name && user.password === password) ?? null;
}

export function findDevelopmentUser(subject: string): DevelopmentUser | null {
  return developmentUsers.find((user) => user.subject === subject) ?? null;
}
