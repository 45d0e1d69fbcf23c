import { type ClientTls, type ServerTls } from '../model/tls.js';
import { type Path } from '../schema/schema.js';
import { type Checks } from './checks.js';

/** With the files found; certificate and key only go together. */
export function clientTlsOf(tls: ClientTls, path: Path, checks: Checks): ClientTls {
  if ((tls.cert === null) !== (tls.key === null)) {
    const [there, missing] = tls.cert === null ? ['key', 'cert'] : ['cert', 'key'];
    checks.wrong([...path, there], `${there} needs ${missing} beside it`);
  }
  const file = (key: 'ca' | 'cert' | 'key'): string | null => checks.file(tls[key], [...path, key]);
  return { ...tls, ca: file('ca'), cert: file('cert'), key: file('key') };
}

/** null when nothing is said: then the URL decides whether there is TLS. */
export function storeTlsOf(tls: ClientTls, path: Path, checks: Checks): ClientTls | null {
  const { ca, cert, key, serverName, verify } = tls;
  const silent = ca === null && cert === null && key === null && serverName === null && verify;
  return silent ? null : clientTlsOf(tls, path, checks);
}

export function serverTlsOf(tls: ServerTls | null, path: Path, checks: Checks): ServerTls | null {
  if (tls === null) return null;
  if (tls.clientCert === 'required' && tls.clientCa === null) {
    checks.wrong([...path, 'clientCert'], 'client certificates can only be required when clientCa says whom to trust');
  }
  return {
    ...tls,
    cert: checks.file(tls.cert, [...path, 'cert']) ?? '',
    key: checks.file(tls.key, [...path, 'key']) ?? '',
    certificates: tls.certificates.map(({ cert, key }, index) => {
      const at = [...path, 'certificates', index];
      return { cert: checks.file(cert, [...at, 'cert']) ?? '', key: checks.file(key, [...at, 'key']) ?? '' };
    }),
    clientCa: checks.file(tls.clientCa, [...path, 'clientCa']),
  };
}
