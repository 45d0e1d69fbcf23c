import { type IncomingHttpHeaders } from 'node:http';
import { type ListenerInfo } from './exchange.js';

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

/** Whether a body comes after the head of the request; it may still be empty. */
export function bodyFollows({ headers }: Pick<ClientConnection['req'], 'headers'>): boolean {
  const { 'transfer-encoding': encoding, 'content-length': length } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}
