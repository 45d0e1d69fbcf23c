import { getMetadataStorage } from 'class-validator';
import { type Members, type Shape } from './shapes.js';

type Rules = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>;

/** What a class that reads a query or a small body says of its fields, for the document; `about` says what each is for. */
export function membersOf<T extends object>(
  type: new () => T,
  about: Readonly<Record<keyof T & string, string>>,
): Members {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const usual = new type() as Readonly<Record<string, unknown>>;
  const fields = Object.entries<string>(about).map(([field, description]): [string, Shape] => {
    const own = rules.filter(({ propertyName }) => propertyName === field);
    const value = usual[field];
    // What has no default cannot be left out, unless it says so.
    const optional = own.some(({ name }) => name === 'isOptional');
    const needed = !optional && (value === undefined || Number.isNaN(value) || (value === '' && mayNotBeEmpty(own)));
    const hasDefault = value !== undefined && value !== '' && !Number.isNaN(value);
    return [needed ? field : `${field}?`, { description, ...shapeOf(own), ...(hasDefault && { default: value }) }];
  });
  return Object.fromEntries(fields);
}

function mayNotBeEmpty(rules: Rules): boolean {
  return rules.some(({ name, constraints: [min] }) => name === 'isLength' && min > 0);
}

function shapeOf(rules: Rules): Shape {
  const isList = rules.some(({ name }) => name === 'isArray');
  const shapes = rules.map(({ name, constraints }) => {
    const [first, second] = (constraints as unknown[] | undefined) ?? [];
    switch (name) {
      case 'isInt':
        return { type: 'integer' };
      case 'isBoolean':
        return { type: 'boolean' };
      case 'min':
        return { minimum: first };
      case 'max':
        return { maximum: first };
      case 'isLength':
        return { type: 'string', minLength: first, maxLength: second };
      case 'isIn':
        return { enum: (first as unknown[]).filter((each) => each !== '') };
      case 'matches': {
        const text = { type: 'string', pattern: (first as RegExp).source };
        return isList ? { type: 'array', items: text } : text;
      }
      case 'isDate':
        return { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\d' };
      case 'isString':
      case 'isIso8601':
        return isList ? { type: 'array', items: { type: 'string' } } : { type: 'string' };
      default:
        return {};
    }
  });
  return Object.assign({}, ...shapes) as Shape;
}
