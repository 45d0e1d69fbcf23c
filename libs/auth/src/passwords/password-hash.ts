import { hash, type Options, verify } from '@node-rs/argon2';

/** Argon2id, as OWASP's cheat sheet on password storage has it for little memory: 19 MiB, two passes, one lane. */
const COST: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** As the configuration takes it, in PHC's notation, parameters and salt included. */
export async function hashPassword(password: string): Promise<string> {
  return await hash(password, COST);
}

/** On a thread of its own: the event loop goes on. */
export async function isPassword(hashed: string, password: string): Promise<boolean> {
  return await verify(hashed, password);
}
