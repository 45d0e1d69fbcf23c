/** Why the gateway cannot start, in one line for the person who started it. */
export class BootError extends Error {}

/** Faults of the system at a listener, in words that say what to do. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): BootError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new BootError(
        `Port ${port} is already in use. Stop what listens there, or choose another: PORT=${port === 65535 ? port - 1 : port + 1} npm start`,
      );
    case 'EACCES':
      return new BootError(
        `Port ${port} needs privileges that this user does not have. Choose one above 1023: PORT=8080 npm start`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new BootError(
        `This machine has no address ${host}: set gateway.host to one it has, or to 0.0.0.0 for all.`,
      );
    default:
      return new BootError(`Cannot listen on ${host}:${port}: ${error.message}`);
  }
}
