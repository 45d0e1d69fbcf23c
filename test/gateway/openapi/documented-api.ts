import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

interface Content {
  readonly schema: object;
  readonly example?: unknown;
}

interface DocumentedOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security?: readonly unknown[];
  readonly 'x-aegis-permission': string;
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

export interface Asked {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is. */
  readonly body?: unknown;
  /** null: without a credential. */
  readonly key?: string | null;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** In what it is not as the document says; null: it is. */
  readonly mismatch: string | null;
}

/** Calls operations and holds each answer against what the document says of it. */
export class DocumentedApi {
  readonly operations: readonly { readonly name: string; readonly operation: DocumentedOperation }[];
  private readonly ajv = new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    strictTypes: false,
    strictRequired: false,
  });

  constructor(
    private readonly url: string,
    private readonly key: string,
    private readonly document: OpenApi,
  ) {
    this.ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    this.ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    this.ajv.addSchema({ $id: 'aegis', $defs: withReferences(document.components['schemas']) });
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
    );
  }

  async ask(name: string, { path = {}, query = {}, headers = {}, body, key = this.key }: Asked): Promise<Answer> {
    const [method = '', template = ''] = name.split(' ');
    const pairs = Object.entries(query).flatMap(([field, value]) =>
      [value].flat().map((each) => [field, String(each)]),
    );
    const url = `${this.url}${template.replace(/\{(\w+)\}/g, (_, field: string) => encodeURIComponent(path[field] ?? ''))}`;
    const response = await fetch(`${url}?${new URLSearchParams(pairs as [string, string][]).toString()}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key !== null && { 'x-api-key': key }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
    const content: unknown = /[/+]json$/.test(type) ? JSON.parse(text) : text;
    return { status: response.status, body: content, mismatch: this.mismatch(name, response, type, content) };
  }

  private mismatch(name: string, { status, headers }: Response, type: string, content: unknown): string | null {
    const described = this.operation(name).responses[status];
    if (described === undefined) return `${name}: ${status} is not described`;
    const response = this.resolved(described) as {
      readonly content?: Readonly<Record<string, Content>>;
      readonly headers?: Readonly<Record<string, unknown>>;
    };
    const lacking = Object.keys(response.headers ?? {}).filter(
      (field) => !headers.has(field) && !(field === 'Set-Cookie' && status === 204),
    );
    if (lacking.length > 0) return `${name} ${status}: without ${lacking.join(', ')}`;
    if (response.content === undefined) return content === '' ? null : `${name} ${status}: has content`;
    const schema = response.content[type]?.schema;
    if (schema === undefined) return `${name} ${status}: ${type} is not described`;
    const validate = this.validator(schema);
    return validate(content) ? null : `${name} ${status}: ${this.ajv.errorsText(validate.errors)}`;
  }

  /** Whether the document has it that this may be sent. */
  bodyFits(name: string, body: unknown): boolean {
    const [content] = Object.values(this.operation(name).requestBody?.content ?? {});
    if (content === undefined) throw new Error(`${name} takes no body`);
    return this.validator(content.schema)(body);
  }

  exampleOf(name: string): Readonly<Record<string, unknown>> {
    const [content] = Object.values(this.operation(name).requestBody?.content ?? {});
    return content?.example as Readonly<Record<string, unknown>>;
  }

  danglingReferences(): string[] {
    const references = [...JSON.stringify(this.document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to = '']) => to);
    return references.filter((to) => this.resolved({ $ref: to }) === undefined);
  }

  private operation(name: string): DocumentedOperation {
    const found = this.operations.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} is not in the document`);
    return found.operation;
  }

  private validator(schema: object): ValidateFunction {
    return this.ajv.compile(withReferences(schema));
  }

  private resolved(described: { readonly $ref?: string }): unknown {
    const { $ref } = described;
    if ($ref === undefined) return described;
    return $ref
      .slice(2)
      .split('/')
      .reduce<unknown>((inside, step) => (inside as Record<string, unknown> | undefined)?.[step], this.document);
  }
}

/** Schemas refer to each other in the document; here they stand by themselves. */
function withReferences(schema: object | undefined): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', 'aegis#/$defs/')) as object;
}
