import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { type ServerTls } from '#config';

const DNS = 'DNS:';

/** The certificates of a listener beside its own, by the names in them. */
export class NamedCertificates {
  private constructor(private readonly byName: ReadonlyMap<string, SecureContext>) {}

  /** Throws where one of them cannot be used, and says which. */
  static read(tls: ServerTls): NamedCertificates {
    const byName = new Map<string, SecureContext>();
    for (const { cert, key } of tls.certificates) {
      try {
        const context = createSecureContext(contextOptions(tls, cert, key));
        for (const name of namesOf(readFileSync(cert))) byName.set(name, context);
      } catch (error) {
        throw new Error(`${cert} and ${key}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
    return new NamedCertificates(byName);
  }

  /** For the name that a client asks for (SNI): the one with that name, before one with a wildcard for it. */
  for(name: string): SecureContext | undefined {
    const asked = name.toLowerCase();
    return this.byName.get(asked) ?? this.byName.get(`*${asked.slice(asked.indexOf('.'))}`);
  }
}

export function contextOptions(tls: ServerTls, cert: string, key: string): SecureContextOptions {
  return {
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: tls.minVersion,
    ...(tls.clientCa !== null && { ca: readFileSync(tls.clientCa) }),
  };
}

function namesOf(certificate: Buffer): string[] {
  const { subjectAltName = '' } = new X509Certificate(certificate);
  const names = subjectAltName.split(', ').filter((name) => name.startsWith(DNS));
  if (names.length === 0)
    throw new Error('the certificate has no name in its subjectAltName that a client could ask for');
  return names.map((name) => name.slice(DNS.length).toLowerCase());
}
