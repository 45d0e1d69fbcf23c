import { type LoggerService } from '@nestjs/common';
import { type Logger } from 'pino';

/** Nest's own messages, in the same log: `(message, …extra, context)` becomes one line with a `context` field. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  /** What Nest tells at each start is for those who look for it. */
  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  private write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const context = typeof rest.at(-1) === 'string' ? rest.pop() : undefined;
    const fields: Record<string, unknown> = context === undefined ? {} : { context };
    if (message instanceof Error) fields['err'] = message;
    else if (typeof message === 'object' && message !== null) Object.assign(fields, message);
    const detail = rest.find((extra) => typeof extra === 'string');
    // What keeps Nest from starting is thrown as well, and told by whoever catches it.
    const heard = context === 'ExceptionHandler' ? 'debug' : level;
    this.logger[heard](fields, typeof message === 'string' ? [message, detail].filter(Boolean).join(' ') : detail);
  }
}
