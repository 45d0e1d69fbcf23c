import { boolean, list, object, optional, type Out, required, withDefault, word } from '../schema/index.js';
import { filePath, oneHost } from './values.js';

const BESIDE = 'Relative to the configuration file.';

/** TLS of a connection that Aegis opens. */
export const clientTls = object({
  ca: optional(filePath, `PEM file of the authorities to trust instead of the usual ones. ${BESIDE}`, {
    example: './ca.crt',
  }),
  cert: optional(filePath, `PEM file of the certificate to present (mTLS); needs \`key\`. ${BESIDE}`, {
    example: './c.crt',
  }),
  key: optional(filePath, `PEM file of the key of \`cert\`. ${BESIDE}`, { example: './c.key' }),
  serverName: optional(oneHost, 'Name to ask for (SNI) and to verify, when it is not the host of the URL.', {
    example: 'users.internal',
  }),
  verify: withDefault(boolean(), true, 'Verify the certificate of the other side. Off only for tests.'),
});
export type ClientTls = Out<typeof clientTls>;

const certificateFiles = object({
  cert: required(filePath, `PEM file of the certificate and its chain. ${BESIDE}`, { example: './certs/shop.crt' }),
  key: required(filePath, `PEM file of its key. ${BESIDE}`, { example: './certs/shop.key' }),
});

/** TLS of the gateway's own listener. */
export const serverTls = object({
  cert: required(filePath, `PEM file of the certificate and its chain. ${BESIDE}`, { example: './certs/tls.crt' }),
  key: required(filePath, `PEM file of its key. ${BESIDE}`, { example: './certs/tls.key' }),
  certificates: withDefault(
    list(certificateFiles),
    [],
    'More certificates: each is for clients that ask for one of its names (SNI), `cert` for all others.',
  ),
  clientCa: optional(filePath, `PEM file. Present: client certificates are asked for and verified (mTLS). ${BESIDE}`, {
    example: './certs/clients.crt',
  }),
  clientCert: withDefault(
    word('optional', 'required'),
    'optional',
    'With `clientCa`: whether a client without a certificate may come in.',
  ),
  minVersion: withDefault(word('TLSv1.2', 'TLSv1.3'), 'TLSv1.2', 'The oldest version that is spoken.'),
  http2: withDefault(boolean(), false, 'Serve HTTP/2 by ALPN, beside HTTP/1.1.'),
});
export type ServerTls = Out<typeof serverTls>;
