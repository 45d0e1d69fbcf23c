import { type X509Certificate } from 'node:crypto';
import { TLSSocket } from 'node:tls';
import { type AuthConfig, type ConsumerConfig } from '#config';
import { type Clock, type Exchange, type Principal } from '#kernel';
import { type Method, type Outcome, Rejected } from './method.js';

type NameSource = NonNullable<AuthConfig['mtls']>['consumerFrom'];

const NAMELESS = new Rejected('The client certificate does not name a consumer.');
const EXPIRED = new Rejected('The client certificate is no longer valid.');
const LONGEST_NAME = 256;

interface Shown {
  readonly principal: Principal | null;
  readonly validUntil: number;
}

/** Client certificates that the listener has verified. What one says is read once per connection. */
export class ClientCertificateMethod implements Method<TLSSocket> {
  readonly name = 'mtls';
  readonly challenge = 'ClientCertificate realm="aegis"';
  private readonly shown = new WeakMap<TLSSocket, Shown>();

  constructor(
    private readonly source: NameSource,
    /** By what a certificate says; null: that names nobody. */
    private readonly declared: ReadonlyMap<string, ConsumerConfig | null>,
    private readonly clock: Clock,
  ) {}

  credentialIn({ req: { socket } }: Exchange): TLSSocket | null {
    return socket instanceof TLSSocket && socket.authorized ? socket : null;
  }

  verify(socket: TLSSocket): Outcome {
    let shown = this.shown.get(socket);
    if (shown === undefined) {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return NAMELESS;
      shown = this.read(certificate);
      this.shown.set(socket, shown);
    }
    if (shown.validUntil <= this.clock.now()) return EXPIRED;
    return shown.principal ?? NAMELESS;
  }

  private read(certificate: X509Certificate): Shown {
    const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    const said = nameIn(certificate, this.source, fingerprint);
    const validUntil = Date.parse(certificate.validTo);
    const known = said === null ? null : this.declared.get(said);
    if (said === null || said === '' || said.length > LONGEST_NAME || known === null) {
      return { principal: null, validUntil };
    }
    const consumer = known?.name ?? said;
    const principal: Principal = {
      consumer,
      id: consumer,
      roles: known?.roles ?? [],
      scopes: [],
      plan: known?.plan ?? null,
      credential: `certificate:${fingerprint}`,
      user: null,
      claims: {},
    };
    return { principal, validUntil };
  }
}

/** The first of its kind; null: there is none, or it could be read in two ways. */
function nameIn({ subject, subjectAltName }: X509Certificate, source: NameSource, fingerprint: string): string | null {
  switch (source) {
    case 'fingerprint':
      return fingerprint;
    case 'subject-cn':
      return commonName(subject);
    case 'san-dns':
      return alternativeName(subjectAltName, 'DNS');
    case 'san-uri':
      return alternativeName(subjectAltName, 'URI');
  }
}

/** One attribute a line, as Node writes it; what it had to escape is no name that we take. */
function commonName(subject: string): string | null {
  const names = subject.split('\n').filter((line) => line.startsWith('CN='));
  const [name] = names;
  return name === undefined || names.length > 1 || /[\\+]/.test(name) ? null : name.slice('CN='.length);
}

/** `DNS:a, URI:"b, c"`: Node quotes, as JSON, what would be ambiguous. */
function alternativeName(names: string | undefined, kind: 'DNS' | 'URI'): string | null {
  for (const [, tag, value = ''] of (names ?? '').matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g)) {
    if (tag === kind) return value.startsWith('"') ? (JSON.parse(value) as string) : value;
  }
  return null;
}
