// Shows the OpenAPI document of the gateway that serves this page. Text comes into it as text only, never as HTML.

const $ = (id) => document.getElementById(id);
let api = { components: {} };

/** An element with its class, attributes and children; strings become text. */
function el(tag, { className, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className !== undefined) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ''));
  return element;
}

/** Text in which `this` is code. */
function prose(text = '') {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith('`') ? el('code', {}, part.slice(1, -1)) : part));
}

function paragraphs(text = '') {
  return text.split(/\n\n/).map((part) => el('p', {}, prose(part)));
}

function resolved(thing) {
  if (thing?.$ref === undefined) return thing;
  return thing.$ref
    .slice(2)
    .split('/')
    .reduce((inside, step) => inside?.[step], api);
}

function nameOf(thing) {
  return thing?.$ref?.split('/').at(-1);
}

const SCALARS = ['string', 'number', 'boolean'];

/** What stands for a schema in a line. */
function typeOf(schema = {}) {
  if (schema.$ref !== undefined) return nameOf(schema);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  if (schema.allOf !== undefined) return schema.allOf.map(typeOf).find((type) => type !== 'map') ?? 'map';
  if (Array.isArray(schema.type)) {
    // Whatever can be read as text.
    const isText = SCALARS.every((type) => schema.type.includes(type));
    const types = isText ? schema.type.filter((type) => !SCALARS.includes(type)) : schema.type;
    return [...(isText ? ['text'] : []), ...types.map((type) => typeOf({ ...schema, type }))].join(' | ');
  }
  if (schema.type === 'array') {
    const type = typeOf(schema.items);
    return type.includes(' | ') ? `list of (${type})` : `list of ${type}`;
  }
  if (schema.type === 'object') {
    const { additionalProperties: value } = schema;
    return schema.properties === undefined && typeof value === 'object' ? `map of ${typeOf(value)}` : 'map';
  }
  return [schema.type ?? 'anything', schema.format].filter((part) => part !== undefined).join(', ');
}

const BOUNDS = [
  ['minimum', 'at least'],
  ['maximum', 'at most'],
  ['minLength', 'length at least'],
  ['maxLength', 'length at most'],
  ['minItems', 'entries at least'],
  ['pattern', 'pattern'],
];

function detailsOf(schema) {
  const bounds = BOUNDS.filter(([key]) => schema[key] !== undefined).map(([key, words]) => `${words} ${schema[key]}`);
  const usual = schema.default === undefined ? [] : [`default ${JSON.stringify(schema.default)}`];
  const examples = (schema.examples ?? []).map((example) => `such as ${JSON.stringify(example)}`);
  return [...bounds, ...usual, ...examples].join('; ');
}

/** All schemas with members that are below this one without a name between. */
function mapsIn(schema = {}) {
  const found = resolved(schema) ?? {};
  const inside = [...(found.allOf ?? []), ...(found.anyOf ?? []), ...(found.items ? [found.items] : [])];
  const value = found.additionalProperties;
  if (typeof value === 'object') inside.push(value);
  return [...(found.properties !== undefined ? [found] : []), ...inside.flatMap(mapsIn)];
}

/** What is in a schema, made when it is opened: some are large, and they may contain themselves. */
function inside(schema) {
  const maps = mapsIn(schema);
  if (maps.length === 0) return null;
  const label = nameOf(schema) ?? (maps.length === 1 ? 'its members' : 'its members, one form after the other');
  const opened = el('div', { className: 'inside' });
  const details = el('details', { className: 'shape' }, el('summary', {}, label), opened);
  details.addEventListener(
    'toggle',
    () => opened.append(...maps.map((each) => members(each.properties, each.required ?? []))),
    { once: true },
  );
  return details;
}

function members(properties, required) {
  const rows = Object.entries(properties).map(([name, schema]) => row(name, schema, required.includes(name)));
  return el('ul', { className: 'rows' }, rows);
}

function row(name, schema, needed, description = schema.description) {
  return el(
    'li',
    {},
    el('code', { className: 'name' }, name),
    ' ',
    el('span', { className: 'type' }, typeOf(schema), needed ? ', needed' : ''),
    description === undefined ? null : el('p', {}, prose(description)),
    detailsOf(schema) === '' ? null : el('p', { className: 'quiet' }, detailsOf(schema)),
    inside(schema),
  );
}

function parametersOf({ parameters = [] }) {
  if (parameters.length === 0) return [];
  const rows = parameters
    .map(resolved)
    .map((each) => row(`${each.name} (${each.in})`, each.schema, each.required === true, each.description));
  return [el('h3', {}, 'Parameters'), el('ul', { className: 'rows' }, rows)];
}

function contentsOf(content = {}) {
  return Object.entries(content).map(([type, { schema, example }]) =>
    el(
      'li',
      {},
      el('code', { className: 'name' }, type),
      ' ',
      el('span', { className: 'type' }, typeOf(schema)),
      inside(schema),
      example === undefined ? null : el('pre', {}, JSON.stringify(example, null, 2)),
    ),
  );
}

function bodyOf({ requestBody }) {
  if (requestBody === undefined) return [];
  const heading = el('h3', {}, 'Body', el('span', { className: 'quiet' }, requestBody.required ? ', needed' : ''));
  return [heading, el('ul', { className: 'rows' }, contentsOf(requestBody.content))];
}

function answersOf({ responses }) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const { description, headers = {}, content } = resolved(response);
    const fields = Object.entries(headers).map(([name, header]) =>
      el('p', { className: 'quiet' }, el('code', {}, name), ' ', prose(resolved(header).description)),
    );
    return el(
      'li',
      {},
      el('span', { className: 'name' }, status === 'default' ? 'else' : status),
      paragraphs(description),
      fields,
      el('ul', { className: 'rows' }, contentsOf(content)),
    );
  });
  return [el('h3', {}, 'Answers'), el('ul', { className: 'rows' }, rows)];
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command that does it. */
function curlOf(method, path, operation) {
  const parameters = (operation.parameters ?? []).map(resolved);
  const needed = parameters.filter((each) => each.in === 'query' && each.required === true);
  const query = needed.map(({ name }) => `${name}=${name.toUpperCase()}`).join('&');
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase());
  const [[type, { example }] = ['', {}]] = Object.entries(operation.requestBody?.content ?? {});
  const parts = [
    'curl',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...(operation['x-aegis-permission'] === 'nothing' ? [] : ['-H "X-API-Key: $KEY"']),
    ...(example === undefined ? [] : [`-H 'Content-Type: ${type}'`]),
    `'${location.origin}${filled}${query === '' ? '' : `?${query}`}'`,
    ...(example === undefined ? [] : [`-d ${quoted(bodyText(type, example))}`]),
  ];
  return parts.join(' \\\n  ').replace('curl \\\n  -X', 'curl -X');
}

function bodyText(type, example) {
  return type.includes('form') ? new URLSearchParams(example).toString() : JSON.stringify(example);
}

function curl(text) {
  const copy = el('button', { className: 'copied', type: 'button' }, 'Copy');
  copy.addEventListener('click', () => {
    navigator.clipboard?.writeText(text).then(
      () => (copy.textContent = 'Copied'),
      () => (copy.textContent = 'Select it to copy'),
    );
  });
  return el('pre', {}, copy, text);
}

function needsOf({ 'x-aegis-permission': permission }) {
  if (permission === 'nothing') return 'no credential';
  return permission === 'a credential' ? 'any credential' : (permission ?? 'nobody');
}

function operationOf(method, path, operation) {
  const name = method.toUpperCase();
  const body = el('div', { className: 'body' });
  const details = el(
    'details',
    { className: 'operation', id: operation.operationId },
    el(
      'summary',
      {},
      el('span', { className: `method ${name}` }, name),
      el('span', { className: 'path' }, path),
      el('span', {}, prose(operation.summary)),
      el('span', { className: 'chip' }, needsOf(operation)),
    ),
    body,
  );
  details.dataset.text = `${name} ${path} ${operation.summary} ${operation['x-aegis-permission']}`.toLowerCase();
  details.addEventListener(
    'toggle',
    () =>
      body.append(
        ...paragraphs(operation.description),
        el('p', {}, 'Needs: ', el('code', {}, needsOf(operation))),
        ...parametersOf(operation),
        ...bodyOf(operation),
        el('h3', {}, 'Example'),
        curl(curlOf(name, path, operation)),
        ...answersOf(operation),
      ),
    { once: true },
  );
  return details;
}

function show() {
  document.title = api.info.title;
  $('version').textContent = api.info.version;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const sections = api.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const shown = own.map(({ method, path, operation }) => operationOf(method, path, operation));
    return el('section', { id: idOf(name) }, el('h2', {}, name), el('p', { className: 'quiet' }, description), shown);
  });
  document.querySelector('main').replaceChildren(...paragraphs(api.info.description), ...sections, schemasOf());
  const links = [...api.tags.map(({ name }) => name), 'Schemas'];
  document.querySelector('nav').replaceChildren(
    el(
      'ul',
      {},
      links.map((name) => el('li', {}, el('a', { href: `#${idOf(name)}` }, name))),
    ),
  );
  $('document').hidden = false;
  $('search').hidden = false;
  openLinked();
}

function schemasOf() {
  const rows = Object.keys(api.components.schemas)
    .sort()
    .map((name) => el('li', {}, inside({ $ref: `#/components/schemas/${name}` }) ?? name));
  return el('section', { id: 'schemas' }, el('h2', {}, 'Schemas'), el('ul', { className: 'rows' }, rows));
}

function idOf(name) {
  return name.toLowerCase().replace(/\W+/g, '-');
}

/** The operation that the address names is open. */
function openLinked() {
  const linked = $(decodeURIComponent(location.hash.slice(1)));
  if (linked === null) return;
  if (linked.matches('details')) linked.open = true;
  linked.scrollIntoView();
}

function search(text) {
  const words = text.toLowerCase().split(/\s+/);
  for (const section of document.querySelectorAll('main section')) {
    const operations = [...section.querySelectorAll('details.operation')];
    for (const each of operations) {
      each.classList.toggle('none', !words.every((word) => each.dataset.text.includes(word)));
    }
    const nothingLeft = operations.every((each) => each.classList.contains('none'));
    section.classList.toggle('none', text !== '' && nothingLeft);
  }
}

async function load() {
  const answer = await fetch('/api/admin/openapi.json', { headers: { accept: 'application/json' } });
  $('sign-in').hidden = answer.status !== 401;
  if (answer.status === 401) return $('key').focus();
  const content = await answer.json();
  if (!answer.ok) return tell(content.detail);
  api = content;
  show();
  const { name } = await (await fetch('/api/admin/me')).json();
  $('name').textContent = name;
  $('me').hidden = false;
}

function tell(text) {
  $('sign-in').hidden = false;
  $('refused').textContent = text;
}

$('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await fetch('/api/admin/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: $('key').value }),
  });
  if (!answer.ok) return tell((await answer.json()).detail);
  $('key').value = '';
  tell('');
  await load();
});

$('sign-out').addEventListener('click', async () => {
  await fetch('/api/admin/logout', { method: 'POST' });
  location.reload();
});

$('search').addEventListener('input', () => search($('search').value.trim()));
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || /^(INPUT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  $('search').focus();
});
addEventListener('hashchange', openLinked);
addEventListener('toggle', rememberOpen, true);

/** An open operation can be linked to. */
function rememberOpen({ target, newState }) {
  if (newState === 'open' && target.matches('details.operation')) history.replaceState(null, '', `#${target.id}`);
}

load().catch((error) => tell(`The document cannot be loaded: ${error.message}`));
