import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** One for localhost, made by openssl, an implementation that is not ours. */
export function certificateIn(folder: string): { readonly cert: string; readonly key: string } {
  const cert = join(folder, 'server.crt');
  const key = join(folder, 'server.key');
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert];
  const said = ['-subj', '/CN=localhost', '-days', '2', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', ...made, ...said], { stdio: 'ignore' });
  return { cert, key };
}
