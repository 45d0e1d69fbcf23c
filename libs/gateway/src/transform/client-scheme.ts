import { type IncomingHttpHeaders } from 'node:http';
import { type ListenerInfo } from '#kernel';

/** What is known of the connection that the client made, perhaps to a proxy before this one. */
export interface ClientConnection {
  readonly req: { readonly headers: IncomingHttpHeaders };
  readonly listener: ListenerInfo;
  /** The peer's `X-Forwarded-*` are believed. */
  readonly trusted: boolean;
}

/** Whether the client used HTTPS. */
export function clientIsSecure({ req, listener, trusted }: ClientConnection): boolean {
  if (!trusted) return listener.secure;
  const said = req.headers['x-forwarded-proto'];
  return said === 'https' || said === 'http' ? said === 'https' : listener.secure;
}
