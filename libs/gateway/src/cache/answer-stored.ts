import { type Exchange } from '#kernel';
import { addedFields, endAnswer } from '../answer.js';
import { type Route } from '../route.js';
import { BodyEncoder } from '../transform/body-encoder.js';
import { fieldsOf304, isUnchanged } from './conditional.js';
import { currentAge } from './freshness.js';
import { type StoredResponse } from './stored-response.js';

/** Answers with what is stored, dressed for this exchange. `validated`: the upstream has just said that it is still good. */
export function answerStored(
  exchange: Exchange<Route>,
  { shape }: Route,
  stored: StoredResponse,
  now: number,
  validated: boolean,
): void {
  const { req, res } = exchange;
  const unchanged = isUnchanged(req.headers, stored);
  const status = unchanged ? 304 : stored.status;
  const fields = unchanged ? fieldsOf304(req.headers, stored) : [...stored.fields];
  const age = Math.floor(currentAge(stored, now) / 1000);
  // An age says that the upstream was not asked.
  if (!validated || age > 0) fields.push('Age', String(age));
  exchange.onResponseHead?.(fields);
  shape.dress(exchange, fields);
  const coding = shape.encode(exchange, status, fields);
  fields.push('X-Request-Id', exchange.id, ...addedFields(exchange));
  exchange.call = null;
  exchange.status = status;
  res.writeHead(status, unchanged ? 'Not Modified' : stored.reason, fields);
  if (unchanged || req.method === 'HEAD') endAnswer(exchange, undefined);
  else if (coding === null) {
    exchange.bytesOut = stored.body.length;
    endAnswer(exchange, stored.body);
  } else {
    const encoder = new BodyEncoder(coding, stored.body.length, {
      data: (piece) => {
        exchange.bytesOut += piece.length;
        res.write(piece);
      },
      drained: () => undefined,
      end: () => res.end(),
      failed: () => res.destroy(),
    });
    exchange.call = { abort: () => encoder.destroy() };
    encoder.write(stored.body);
    encoder.end();
  }
}
