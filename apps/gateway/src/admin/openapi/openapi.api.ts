import { answer, type Chapter } from './description.js';
import { text } from './shapes.js';

const page = (says: string, type: string): Chapter['operations'][string]['answers'] => ({
  200: { says, content: { [type]: text() } },
});

export const OPENAPI_CHAPTER: Chapter = {
  title: 'This document',
  about: 'For programs and for people.',
  operations: {
    'GET /api/admin/openapi.json': {
      summary: 'This document',
      answers: { 200: answer('OpenAPI 3.1.', { type: 'object', additionalProperties: true }) },
    },
    'GET /api/admin/docs': {
      summary: 'The same for people',
      more: 'A browser without a credential is asked for one.',
      answers: page('A page.', 'text/html'),
    },
    'GET /api/admin/docs/page.js': {
      summary: 'The script of that page',
      answers: page('JavaScript.', 'text/javascript'),
    },
    'GET /api/admin/docs/page.css': { summary: 'How that page looks', answers: page('A style sheet.', 'text/css') },
  },
};
