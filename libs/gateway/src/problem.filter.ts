import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { answerProblem } from './answer.js';

/** What a guard or the controller threw on a proxied exchange becomes a problem: a refusal as it says, anything else a 500 that tells nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('ProblemFilter');

  catch(thrown: unknown, host: ArgumentsHost): void {
    const exchange = host.switchToHttp().getRequest<Exchange>();
    if (thrown instanceof Refusal) {
      answerProblem(exchange, thrown.code, thrown.detail, thrown.headers);
      return;
    }
    this.logger.error({ requestId: exchange.id, err: thrown }, 'a proxied exchange failed');
    exchange.call?.abort();
    exchange.errorMessage = String(thrown);
    answerProblem(exchange, 'internal_error', 'Aegis could not handle this request.');
  }
}
