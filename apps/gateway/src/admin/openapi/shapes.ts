/** A piece of JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. */
export type Shape = Readonly<Record<string, unknown>>;

/** Members of a map; a name that ends in `?` may be missing. */
export type Members = Readonly<Record<string, Shape>>;

type More = Readonly<Record<string, unknown>>;

function shape(type: string, description: string | undefined, more: More = {}): Shape {
  return { type, ...(description !== undefined && { description }), ...more };
}

export function text(description?: string, more?: More): Shape {
  return shape('string', description, more);
}

export function whole(description?: string, more?: More): Shape {
  return shape('integer', description, more);
}

export function number(description?: string, more?: More): Shape {
  return shape('number', description, more);
}

export function yesOrNo(description?: string, more?: More): Shape {
  return shape('boolean', description, more);
}

/** As JavaScript writes it: RFC 3339, in UTC. */
export function time(description?: string): Shape {
  return shape('string', description, { format: 'date-time' });
}

export function oneOf(values: readonly (string | boolean)[], description?: string): Shape {
  return { enum: values, ...(description !== undefined && { description }) };
}

export function list(items: Shape, description?: string): Shape {
  return shape('array', description, { items });
}

/** A map that has these members and no others. */
export function map(members: Members, description?: string): Shape {
  const names = Object.keys(members);
  const required = names.filter((name) => !name.endsWith('?'));
  return shape('object', description, {
    properties: Object.fromEntries(Object.entries(members).map(([name, each]) => [name.replace(/\?$/, ''), each])),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  });
}

/** A map whose names are not known before. */
export function mapOf(value: Shape, description?: string): Shape {
  return shape('object', description, { additionalProperties: value });
}

export function orNull(of: Shape): Shape {
  const { type, enum: values } = of;
  if (Array.isArray(values)) return { ...of, enum: [...(values as unknown[]), null] };
  return typeof type === 'string' ? { ...of, type: [type, 'null'] } : { anyOf: [of, { type: 'null' }] };
}

/** One that stands under this name in the components of the document. */
export function named(name: string): Shape {
  return { $ref: `#/components/schemas/${name}` };
}

export function anything(description: string): Shape {
  return { description };
}

/** One part of a list. */
export function page(items: Shape): Shape {
  return map({ items: list(items), nextCursor: orNull(text('The cursor of the next page; null: this is the last.')) });
}
