/** The issuer of people who are created without a sign-in: the discard port, where nothing answers. */
export const testIssuer = 'http://127.0.0.1:9';
