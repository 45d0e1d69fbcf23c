import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Made by openssl, an implementation that is not ours. Without an authority it signs itself. */
export function makeCertificate(folder: string, name: string, authority?: Certificate): Certificate {
  const made = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', made.key];
  const said = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  if (authority === undefined) {
    execFileSync('openssl', ['req', '-x509', ...key, ...said, '-days', '2', '-out', made.cert], { stdio: 'ignore' });
    return made;
  }
  const request = join(folder, `${name}.csr`);
  execFileSync('openssl', ['req', ...key, ...said, '-out', request], { stdio: 'ignore' });
  const by = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial', '-copy_extensions', 'copy'];
  execFileSync('openssl', ['x509', '-req', '-in', request, ...by, '-days', '2', '-out', made.cert], {
    stdio: 'ignore',
  });
  return made;
}
