/** How many characters a new password has. One that was chosen under other limits goes on being accepted at sign-in. */
export const PASSWORD_LENGTH = { min: 8, max: 128 } as const;
