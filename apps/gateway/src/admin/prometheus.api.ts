import { type Description } from './openapi/description.js';
import { text } from './openapi/shapes.js';

/** Its path is the one that the configuration says. */
export const PROMETHEUS: Description = {
  summary: 'Metrics for Prometheus',
  answers: { 200: { says: 'In the text format 0.0.4.', content: { 'text/plain': text() } } },
};
