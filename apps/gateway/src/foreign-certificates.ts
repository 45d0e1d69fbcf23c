import { type Server } from 'node:http';
import { type TLSSocket } from 'node:tls';
import { unmapped } from '#kernel';

const TOLD_EVERY_MS = 60_000;

export interface ForeignCertificate {
  readonly address: string;
  readonly reason: string;
  /** So many others were not told of since the last one. */
  readonly untold: number;
}

/**
 * A client may come without a certificate where none is required, but not with one that we do not trust. Such a connection
 * is closed before anything else hears of it: over TLS 1.3 the first request comes with the certificate, and whoever
 * listens would be handed it in the same moment, on a socket that is closed already and has no address any more.
 */
export function refuseForeignCertificates(server: Server, tell: (refused: ForeignCertificate) => void): void {
  const listeners = server.listeners('secureConnection');
  let toldAt = -Infinity;
  let untold = 0;
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket: TLSSocket) => {
    if (!isForeign(socket)) {
      for (const listener of listeners) listener.call(server, socket);
      return;
    }
    const address = unmapped(socket.remoteAddress ?? '');
    socket.on('error', () => undefined);
    socket.destroy();
    const now = performance.now();
    if (now - toldAt < TOLD_EVERY_MS) {
      untold++;
      return;
    }
    tell({ address, reason: String(socket.authorizationError), untold });
    toldAt = now;
    untold = 0;
  });
}

function isForeign(socket: TLSSocket): boolean {
  return !socket.authorized && Object.keys(socket.getPeerCertificate()).length > 0;
}
