export { forms, oneKey, orOff, orSaidOff } from './choices.js';
export { list, object, type ObjectSchema, optional, overrides, record, required, withDefault } from './collections.js';
export { boolean, duration, formatPercentage, integer, number, percentage, size, text, wait, word } from './scalars.js';
export { secret, secretUrl } from './secret.js';
export { type Out, type Place, Schema } from './schema.js';
