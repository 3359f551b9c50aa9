/** Shows /openapi.json and lets one try its operations. Everything is put into the page as text, never as markup. */
const byId = (id) => document.getElementById(id);

/** An element with text, attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

function typeOf(schema) {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map(typeOf).join(' | ');
  if (schema.type === 'array') {
    const item = typeOf(schema.items ?? {});
    return item.includes(' ') ? `(${item})[]` : `${item}[]`;
  }
  return [schema.type ?? 'any'].flat().join(' | ') + (schema.format ? ` (${schema.format})` : '');
}

/** Where the fields of a schema are, below arrays and alternatives. */
function objectsIn(schema) {
  if (schema.properties) return [schema];
  return [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].filter(Boolean).flatMap(objectsIn);
}

function rules(schema) {
  const words = [];
  if (schema.description) words.push(schema.description);
  if (schema.default !== undefined) words.push(`default ${schema.default}`);
  if (schema.minimum > Number.MIN_SAFE_INTEGER) words.push(`≥ ${schema.minimum}`);
  if (schema.maximum < Number.MAX_SAFE_INTEGER) words.push(`≤ ${schema.maximum}`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) words.push(`at most ${schema.maxItems}`);
  if (schema.pattern) words.push(schema.pattern);
  return words.join('; ');
}

function fieldTable(schema) {
  return objectsIn(schema).map((object) => {
    const rows = Object.entries(object.properties).map(([name, property]) => {
      const inner = objectsIn(property);
      const cell = make('td', {}, make('code', {}, typeOf(property)), make('p', {}, rules(property)));
      if (inner.length > 0) cell.append(make('div', { class: 'fields' }, ...fieldTable(property)));
      return make('tr', {}, make('td', {}, make('code', {}, name), object.required?.includes(name) ? ' *' : ''), cell);
    });
    return make('table', {}, make('tbody', {}, ...rows));
  });
}

/** A value of the right form to start from. */
function example(schema) {
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return example(options[0]);
  if (schema.type === 'array') return [example(schema.items ?? {})];
  if (schema.properties) {
    const names = schema.required ?? Object.keys(schema.properties);
    return Object.fromEntries(names.map((name) => [name, example(schema.properties[name])]));
  }
  if (schema.type === 'boolean') return false;
  return schema.type === 'integer' || schema.type === 'number' ? Math.max(0, schema.minimum ?? 0) : '';
}

function tryOut(method, path, operation) {
  const inputs = (operation.parameters ?? []).map((parameter) => ({ parameter, input: make('input', { placeholder: parameter.in }) }));
  const schema = operation.requestBody?.content['application/json'].schema;
  const body = schema && make('textarea', { spellcheck: 'false', 'aria-label': 'Body' }, JSON.stringify(example(schema), null, 2));
  const output = make('pre', { hidden: '' });
  const send = async () => {
    let url = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of inputs) {
      if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value !== '' && parameter.in === 'query') query.set(parameter.name, input.value);
      else if (input.value !== '') headers[parameter.name] = input.value;
    }
    const token = byId('token').value.trim();
    if (token !== '') headers.authorization = `Bearer ${token}`;
    const text = body?.value.trim() || undefined;
    if (text) headers['content-type'] = 'application/json';
    output.hidden = false;
    try {
      const response = await fetch(url + (query.size > 0 ? `?${query}` : ''), { method: method.toUpperCase(), headers, body: text });
      const answer = await response.text();
      const shown = /json/.test(response.headers.get('content-type') ?? '') ? JSON.stringify(JSON.parse(answer), null, 2) : answer;
      output.textContent = `${response.status} ${response.statusText}\n\n${shown}`;
    } catch (error) {
      output.textContent = String(error);
    }
  };
  const rows = inputs.map(({ parameter, input }) =>
    make('tr', {}, make('td', {}, make('label', {}, make('code', {}, parameter.name), parameter.required ? ' *' : '')), make('td', {}, input), make('td', {}, make('code', {}, typeOf(parameter.schema)), ' ', parameter.explode === false ? 'with commas between them' : '', rules(parameter.schema))));
  return [
    inputs.length > 0 ? make('h3', {}, 'Parameters') : undefined,
    make('table', {}, make('tbody', {}, ...rows)),
    schema ? make('h3', {}, operation.requestBody.required ? 'Body' : 'Body, may be left out') : undefined,
    ...(schema ? fieldTable(schema) : []),
    body,
    make('p', {}, make('button', { type: 'button', onclick: send }, 'Send')),
    output,
  ];
}

/** What this operation alone answers; what all have in common is said once, below. */
function reply(operation) {
  return Object.entries(operation.responses).filter(([, response]) => !response.$ref).flatMap(([status, response]) => {
    const [type, content] = Object.entries(response.content ?? {})[0] ?? ['nothing', {}];
    return [make('h3', {}, `Reply ${status}: ${type}`), ...(content.schema ? fieldTable(content.schema) : [])];
  });
}

function operationView(path, method, operation) {
  const details = make('details', { id: operation.operationId },
    make('summary', {},
      make('span', { class: `method ${method}` }, method.toUpperCase()),
      make('code', {}, path),
      make('span', {}, operation.summary),
      make('span', { class: 'permission' }, operation['x-permission'] ?? (operation.security ? 'public, or signed in' : 'public'))));
  // Filled when it is opened: most never are.
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(make('div', {}, ...tryOut(method, path, operation).filter(Boolean), ...reply(operation)));
  });
  details.dataset.words = `${method} ${path} ${operation.summary}`.toLowerCase();
  return details;
}

function codes(problem) {
  const rows = Object.entries(problem['x-status-by-code']).map(([code, status]) => make('tr', { id: code }, make('td', {}, make('code', {}, code)), make('td', {}, String(status))));
  return [make('h2', { id: 'tag-problems' }, 'problems'), make('p', {}, 'Failures are application/problem+json; code is stable.'), make('table', {}, make('tbody', {}, ...rows))];
}

function show(api) {
  byId('about').textContent = api.info.description;
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [tag] = operation.tags;
      groups.set(tag, [...(groups.get(tag) ?? []), operationView(path, method, operation)]);
    }
  }
  const sections = [...groups].map(([tag, views]) => make('section', {}, make('h2', { id: `tag-${tag}` }, tag), ...views));
  byId('operations').replaceChildren(...sections, ...codes(api.components.schemas.Problem));
  byId('tags').replaceChildren(...[...groups.keys(), 'problems'].map((tag) => make('a', { href: `#tag-${tag}` }, tag)));
  if (location.hash !== '') document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

byId('find').addEventListener('input', (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/);
  for (const details of document.querySelectorAll('details')) details.hidden = !words.every((word) => details.dataset.words.includes(word));
});

fetch('/openapi.json')
  .then((response) => response.json())
  .then(show)
  .catch((error) => byId('operations').replaceChildren(make('p', {}, `The documentation could not be loaded: ${error}`)));
