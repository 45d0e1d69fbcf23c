import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** A client that still sends has to send so much each second to be listened to, and is not for longer than so many. */
const LEAST = 16_384;
const SECONDS = 30;

/**
 * An answer that comes before the end of its request closes the connection. Closing it at once, with bytes on the way that
 * nobody reads, resets it, and a reset takes the answer away from a client that has not read it yet. So our side is ended
 * and the rest is read over, for as long as it comes quickly: most clients look for an answer when they have sent all.
 */
export function lingerAfterEarlyAnswers(
  server: Server,
  secure: boolean,
  /** The answer to the latest request of a connection. */
  latest: (socket: Socket) => ServerResponse | undefined,
): void {
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    // What Node's server calls after the last answer.
    socket.destroySoon = () => {
      const req = latest(socket)?.req;
      if (req === undefined || req.complete || socket.destroyed) Socket.prototype.destroySoon.call(socket);
      else linger(socket, req);
    };
  });
}

function linger(socket: Socket, req: IncomingMessage): void {
  socket.destroySoon = () => undefined;
  socket.end();
  req.resume();
  let seconds = 0;
  let before = socket.bytesRead;
  const look = setInterval(() => {
    const { bytesRead } = socket;
    if (++seconds >= SECONDS || bytesRead - before < LEAST) socket.destroy();
    before = bytesRead;
  }, 1000);
  socket.once('close', () => clearInterval(look));
}
