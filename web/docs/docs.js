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

/** Bounds beyond it are no news: times end in the year 275760. */
const MOST_TO_SAY = 1e12;

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

/** In words; the pattern only where nobody has found any. */
function rules(schema) {
  const words = [];
  if (schema.description) words.push(schema.description);
  if (schema.default !== undefined) words.push(`default ${schema.default}`);
  if (schema.minimum > Number.MIN_SAFE_INTEGER) words.push(`≥ ${schema.minimum}`);
  if (schema.maximum < MOST_TO_SAY) words.push(`≤ ${schema.maximum}`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.maxItems !== undefined) words.push(`at most ${schema.maxItems}`);
  if (schema.pattern && !schema.description) words.push(schema.pattern);
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

/** A value to start from: the example, else what must be there and nothing more. */
function example(schema) {
  if (schema.examples) return schema.examples[0];
  if (schema.enum) return schema.enum[0];
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return example(options[0]);
  if (schema.type === 'array') return [example(schema.items ?? {})];
  if (schema.properties) return Object.fromEntries((schema.required ?? []).map((name) => [name, example(schema.properties[name])]));
  if (schema.type === 'boolean') return false;
  return schema.type === 'integer' || schema.type === 'number' ? Math.max(0, schema.minimum ?? 0) : '';
}

function inputFor(parameter) {
  const input = make('input', { placeholder: parameter.in, 'aria-label': parameter.name });
  if (parameter.required) input.value = parameter.schema.examples?.[0] ?? parameter.schema.enum?.[0] ?? '';
  return { parameter, input };
}

/** What the form says is to be sent. */
function requestOf(method, path, inputs, body) {
  let url = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { parameter, input } of inputs) {
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value !== '' && parameter.in === 'query') query.set(parameter.name, input.value);
    else if (input.value !== '') headers[parameter.name] = input.value;
  }
  const text = body?.value.trim() || undefined;
  if (text) headers['content-type'] = 'application/json';
  return { url: url + (query.size > 0 ? `?${query}` : ''), method: method.toUpperCase(), headers, body: text };
}

async function answerTo({ url, ...request }) {
  const token = byId('token').value.trim();
  if (token !== '') request.headers.authorization = `Bearer ${token}`;
  try {
    const response = await fetch(url, request);
    const text = await response.text();
    const shown = /json/.test(response.headers.get('content-type') ?? '') ? JSON.stringify(JSON.parse(text), null, 2) : text;
    return `${response.status} ${response.statusText}\n\n${shown}`;
  } catch (error) {
    return String(error);
  }
}

/** For a shell; the token stays where it is, in $TOKEN. */
function curlOf({ url, method, headers, body }) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const words = ['curl', ...(method === 'GET' ? [] : ['-X', method]), quoted(location.origin + url)];
  for (const [name, value] of Object.entries(headers)) words.push('-H', quoted(`${name}: ${value}`));
  if (byId('token').value.trim() !== '') words.push('-H', '"authorization: Bearer $TOKEN"');
  if (body) words.push('-d', quoted(body));
  return words.join(' ');
}

function tryOut(method, path, operation) {
  const inputs = (operation.parameters ?? []).map(inputFor);
  const schema = operation.requestBody?.content['application/json'].schema;
  const body = schema && make('textarea', { spellcheck: 'false', 'aria-label': 'Body' }, JSON.stringify(example(schema), null, 2));
  const output = make('pre', { hidden: '', 'aria-live': 'polite' });
  const say = (text) => {
    output.hidden = false;
    output.textContent = text;
  };
  /** Nothing is sent to a path with a hole in it: it would be another path. */
  const complete = () => {
    const empty = inputs.find(({ parameter, input }) => parameter.required && input.value.trim() === '');
    if (empty === undefined) return true;
    say(`Not sent: ${empty.parameter.name} is empty.`);
    empty.input.focus();
    return false;
  };
  const send = async () => {
    if (complete()) say(await answerTo(requestOf(method, path, inputs, body)));
  };
  const curl = async () => {
    if (!complete()) return;
    const text = curlOf(requestOf(method, path, inputs, body));
    say(text);
    // Where the page may not write to it, the text is there to be copied.
    await navigator.clipboard?.writeText(text).catch(() => undefined);
  };
  const rows = inputs.map(({ parameter, input }) =>
    make('tr', {},
      make('td', {}, make('code', {}, parameter.name), parameter.required ? ' *' : ''),
      make('td', {}, input),
      make('td', {}, make('code', {}, typeOf(parameter.schema)), ' ', parameter.explode === false ? 'with commas between them; ' : '', rules({ ...parameter.schema, description: parameter.description ?? parameter.schema.description }))));
  return [
    inputs.length > 0 ? make('h3', {}, 'Parameters') : undefined,
    make('table', {}, make('tbody', {}, ...rows)),
    schema ? make('h3', {}, operation.requestBody.required ? 'Body' : 'Body, may be left out') : undefined,
    ...(schema ? fieldTable(schema) : []),
    body,
    make('p', { class: 'buttons' }, make('button', { type: 'button', onclick: send }, 'Send'), make('button', { type: 'button', class: 'second', onclick: curl }, 'As curl')),
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

function codes({ 'x-status-by-code': statuses, 'x-meaning-by-code': meanings }) {
  const rows = Object.entries(statuses).map(([code, status]) => {
    const row = make('tr', { id: code }, make('td', {}, make('code', {}, code)), make('td', {}, String(status)), make('td', {}, meanings[code]));
    row.dataset.words = `${code} ${status} ${meanings[code]}`.toLowerCase();
    return row;
  });
  return make('section', {}, make('h2', { id: 'tag-problems' }, 'problems'), make('p', {}, 'Failures are application/problem+json; code is stable.'), make('table', {}, make('tbody', {}, ...rows)));
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
  byId('operations').replaceChildren(...sections, codes(api.components.schemas.Problem));
  byId('tags').replaceChildren(...[...groups.keys(), 'problems'].map((tag) => make('a', { href: `#tag-${tag}` }, tag)));
  // What the address names is there only now: going there again marks it.
  if (location.hash !== '') location.replace(location.hash);
  openTarget();
}

function openTarget() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName === 'DETAILS') target.open = true;
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/);
  for (const one of document.querySelectorAll('[data-words]')) one.hidden = !words.every((word) => one.dataset.words.includes(word));
  const sections = [...document.querySelectorAll('section')];
  for (const section of sections) section.hidden = section.querySelector('[data-words]:not([hidden])') === null;
  byId('nothing').hidden = sections.some((section) => !section.hidden);
}

async function signIn(event) {
  event.preventDefault();
  const said = byId('signed-in');
  try {
    const response = await fetch('/api/v1/auth/login', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: byId('email').value, password: byId('password').value }),
    });
    const { data, detail } = await response.json();
    if (data) byId('token').value = data.tokens.accessToken;
    said.textContent = data ? `signed in for ${Math.round(data.tokens.expiresIn / 60)} minutes` : detail;
  } catch (error) {
    said.textContent = String(error);
  }
}

byId('sign-in').addEventListener('submit', signIn);
byId('find').addEventListener('input', (event) => find(event.target.value));
addEventListener('hashchange', openTarget);

fetch('/openapi.json')
  .then((response) => response.json())
  .then(show)
  .catch((error) => byId('operations').replaceChildren(make('p', {}, `The documentation could not be loaded: ${error}`)));
