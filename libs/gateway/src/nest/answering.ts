import { type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { type Exchange, Refusal } from '#kernel';
import { answerProblem } from '../answer.js';

/**
 * A guard whose refusals are answered on the spot: those that it leaves on the exchange, saying no, and those that something
 * further in threw. Thrown through Nest, a refusal is thrown again by each of half a dozen promises, which costs as much as
 * the answer itself. The guards after one that has answered have nothing to say, and the controller forwards nothing that
 * has an answer. `step` is what its time is told as.
 */
export function answering(Guard: Type<CanActivate>, step: string): Type<CanActivate> {
  class AnsweringGuard extends Guard {
    override canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
      const exchange = context.getArgByIndex<Exchange>(0);
      if (exchange.answered) return true;
      exchange.steps?.begin(step);
      try {
        const admitted = super.canActivate(context);
        if (admitted === true) return true;
        if (admitted === false) return refused(exchange);
        if (!(admitted instanceof Promise)) return admitted;
        return admitted.then(
          (later) => later || refused(exchange),
          (thrown: unknown) => caught(exchange, thrown),
        );
      } catch (thrown) {
        return caught(exchange, thrown);
      }
    }
  }
  return AnsweringGuard;
}

/** A guard that gives no reason is left to Nest. */
function refused(exchange: Exchange): boolean {
  return exchange.refusal !== null && answer(exchange, exchange.refusal);
}

function caught(exchange: Exchange, thrown: unknown): true {
  if (!(thrown instanceof Refusal)) throw thrown;
  return answer(exchange, thrown);
}

function answer(exchange: Exchange, { code, detail, headers }: Refusal): true {
  answerProblem(exchange, code, detail, headers);
  return true;
}
