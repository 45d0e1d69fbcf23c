import { hashPassword } from '#auth';
import { givenSecret } from '../given-secret.js';
import { print } from '../terminal.js';

/** A password in, what may stand in a file out: nobody gets it back from that. */
export async function hash(): Promise<void> {
  print(`{ hash: "${await hashPassword(await givenSecret('password'))}" }`);
}
