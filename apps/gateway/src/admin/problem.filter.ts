import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { type ErrorCode, type FieldError, problem, Refusal } from '#kernel';
import { exchangeOf } from '../reserved-paths.js';

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  403: 'forbidden',
  404: 'route_not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  422: 'validation_failed',
};

/** What a reserved path refuses or fails at, as a problem. */
@Catch()
export class ReservedProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Reserved');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const req = http.getRequest<Request>();
    const res = http.getResponse<Response>();
    if (res.headersSent) {
      res.destroy();
      return;
    }
    const { code, detail, headers, errors } = this.read(thrown, req);
    exchangeOf(req).errorCode = code;
    const body = problem(code, detail, { id: exchangeOf(req).id, path: req.path }, errors);
    for (const name in headers) res.setHeader(name, headers[name] ?? '');
    res.status(body.status).type('application/problem+json').send(JSON.stringify(body));
  }

  private read(thrown: unknown, req: Request): ReadProblem {
    if (thrown instanceof Refusal) return thrown;
    const status = thrown instanceof HttpException ? thrown.getStatus() : bodyParserStatus(thrown);
    const code = status === undefined ? undefined : BY_STATUS[status];
    if (code === 'route_not_found') return { code, detail: `Aegis has nothing at ${req.method} ${req.path}.` };
    if (code !== undefined && thrown instanceof Error) return { code, detail: thrown.message };
    this.logger.error({ requestId: exchangeOf(req).id, err: thrown }, 'a reserved path failed');
    return { code: 'internal_error', detail: 'Aegis could not handle this request.' };
  }
}

interface ReadProblem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly errors?: readonly FieldError[] | undefined;
}

/** Express's body parsers throw plain errors that carry a status. */
function bodyParserStatus(thrown: unknown): number | undefined {
  const status: unknown = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  return typeof status === 'number' && status < 500 ? status : undefined;
}
