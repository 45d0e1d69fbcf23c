import { pino, type DestinationStream, type Logger } from 'pino';
import { rotatingFile } from './rotating-file.js';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: 'auto' | 'json' | 'pretty';
  /** Null: standard output. */
  readonly file: string | null;
  readonly rotate: { readonly size: number; readonly keep: number };
}

/** The process's log: pino, and the stream below it for lines that are already made. */
export interface Log {
  readonly logger: Logger;
  readonly stream: DestinationStream;
  /** Writes what is still buffered; for the last moment of the process. */
  flush(): void;
}

/** JSON lines; on a terminal, lines for people. */
export async function openLog(settings: LogSettings): Promise<Log> {
  const destination =
    settings.file === null ? pino.destination({ fd: 1, sync: true }) : rotatingFile(settings.file, settings.rotate);
  const pretty =
    settings.file === null && (settings.format === 'pretty' || (settings.format === 'auto' && process.stdout.isTTY));
  const stream = pretty ? await prettyStream() : destination;
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: told },
    },
    stream,
  );
  return { logger, stream, flush: () => destination.flushSync() };
}

/**
 * What a log may know of an error. Others hang on it whatever was at hand: the database's client what was to be stored,
 * secrets too.
 */
function told(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown;
  const { type, message, stack } = pino.stdSerializers.err(thrown);
  return { type, message, stack, ...('code' in thrown && { code: thrown.code }) };
}

async function prettyStream(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    colorize: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'route,backend,clientIp,host,path,query,method,status,bytesIn,bytesOut,userAgent,latencyMs,upstreamMs',
    singleLine: true,
    sync: true,
  });
}
