import { type ArgumentsHost, Catch, type ExceptionFilter, Injectable, NotFoundException } from '@nestjs/common';
import { type Request, type Response } from 'express';
import { Refusal } from '#kernel';
import { Operations } from './operations.js';
import { ReservedProblemFilter } from './problem.filter.js';

/** A path that is there, asked by a method that it does not take: which ones it takes is said. */
@Catch(NotFoundException)
@Injectable()
export class UnknownMethodFilter implements ExceptionFilter {
  private readonly problems = new ReservedProblemFilter();

  constructor(private readonly operations: Operations) {}

  catch(thrown: NotFoundException, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { method, path } = http.getRequest<Request>();
    const allow = this.operations.methodsAt(path).join(', ');
    if (allow === '') this.problems.catch(thrown, host);
    else if (method === 'OPTIONS') http.getResponse<Response>().status(204).setHeader('Allow', allow).end();
    else {
      const detail = `${method} is not taken here; ${allow} is.`;
      this.problems.catch(new Refusal('method_not_allowed', detail, { Allow: allow }), host);
    }
  }
}
