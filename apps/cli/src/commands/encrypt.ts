import { encryptSecret } from '#config';
import { CliError, EXIT } from '../exit.js';
import { givenSecret } from '../given-secret.js';
import { print } from '../terminal.js';

/** A secret in, the YAML that may stand in a file out. The secret is never an argument: those are seen by `ps`. */
export async function encrypt(): Promise<void> {
  const secretKey = process.env['AEGIS_SECRET_KEY'] ?? '';
  if (secretKey === '') {
    throw new CliError(
      EXIT.usage,
      'AEGIS_SECRET_KEY is not set. Make a key, keep it, and give it to the gateway too:\n  export AEGIS_SECRET_KEY="$(openssl rand -hex 32)"',
    );
  }
  const secret = await givenSecret('secret');
  print(`{ encrypted: "${encryptSecret(secret, secretKey)}" }`);
}
