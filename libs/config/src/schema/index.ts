export { forms, oneKey, orOff, orSaidOff } from './choices.js';
export { list, object, optional, overrides, record, required, withDefault } from './collections.js';
export { hidden } from './hidden.js';
export {
  boolean,
  duration,
  formatPercentage,
  integer,
  number,
  percentage,
  size,
  text,
  wait,
  waitOr,
  word,
} from './scalars.js';
export { secret, secretUrl } from './secret.js';
export { type Out, Schema } from './schema.js';
