import { type RouteConfig } from '#config';
import { type FieldError } from '#kernel';
import { compileTemplate } from './path-template.js';
import { NO_PREFIX } from './redirect.js';

/** What is wrong with the path changes of a route, each mistake with its key. Without mistakes nothing here fails to compile. */
export function checkTransforms(route: Pick<RouteConfig, 'path' | 'rewrite' | 'redirect'>): FieldError[] {
  const mistakes: FieldError[] = [];
  const templates = [
    ['rewrite.path', route.rewrite.path],
    ['redirect.path', route.redirect?.path ?? null],
  ] as const;
  for (const [path, template] of templates) {
    const compiled = template === null ? null : compileTemplate(template, route.path);
    if (typeof compiled === 'string') mistakes.push({ path, message: compiled });
  }
  if (route.redirect?.prefix != null && route.path.kind === 'regex') {
    mistakes.push({ path: 'redirect.prefix', message: NO_PREFIX });
  }
  return mistakes;
}
