/** What is wrong with an OpenAPI 3.1 document, as far as ours makes use of the language. For tests; knows nothing of what the document is about. */
import { unknownWord, violations, type Schema } from './json-schema.ts';

type Json = Readonly<Record<string, unknown>>;

const STATUS = /^(?:[1-5]\d\d|default)$/;

/** One line per place; empty = sound. */
export function defects(document: Json): string[] {
  const at = new Checker(document);
  const operations = Object.entries(document['paths'] as Json).flatMap(([path, methods]) => Object.entries(methods as Json).map(([method, operation]) => [`${method} ${path}`, path, operation as Json] as const));
  for (const [name, path, operation] of operations) at.operation(name, path, operation);
  const ids = operations.map(([, , operation]) => operation['operationId']);
  at.ask(new Set(ids).size === ids.length, 'the operation ids are unique');
  const { headers, responses, schemas } = document['components'] as Record<string, Json>;
  for (const [name, header] of Object.entries(headers ?? {})) at.header(`header ${name}`, header);
  for (const [name, response] of Object.entries(responses ?? {})) at.response(`response ${name}`, response);
  for (const [name, schema] of Object.entries(schemas ?? {})) at.schema(`schema ${name}`, schema);
  return at.found;
}

class Checker {
  readonly found: string[] = [];
  readonly #document: Json;

  constructor(document: Json) {
    this.#document = document;
  }

  ask(good: boolean, what: string): void {
    if (!good) this.found.push(what);
  }

  operation(name: string, path: string, operation: Json): void {
    for (const field of ['operationId', 'summary']) this.ask(isText(operation[field]), `${name} has a ${field}`);
    this.ask(Array.isArray(operation['tags']) && operation['tags'].every(isText), `${name} has tags`);
    this.#parameters(name, path, (operation['parameters'] ?? []) as readonly Json[]);
    for (const choice of (operation['security'] ?? []) as readonly Json[]) for (const scheme of Object.keys(choice)) this.#resolve(name, `#/components/securitySchemes/${scheme}`);
    const body = operation['requestBody'] as Json | undefined;
    if (body !== undefined) {
      this.ask(typeof body['required'] === 'boolean', `${name} says whether a body is required`);
      this.#content(name, body['content']);
    }
    const responses = Object.entries(operation['responses'] as Json);
    this.ask(responses.some(([status]) => status.startsWith('2')), `${name} can succeed`);
    for (const [status, response] of responses) {
      this.ask(STATUS.test(status), `${name}: ${status} is a status`);
      this.response(`${name} ${status}`, response);
    }
  }

  response(name: string, response: unknown): void {
    const { description, headers, content } = this.#deref(name, response);
    this.ask(isText(description), `${name} is described`);
    for (const [header, one] of Object.entries((headers ?? {}) as Json)) this.header(`${name} ${header}`, one);
    if (content !== undefined) this.#content(name, content);
  }

  header(name: string, header: unknown): void {
    const { description, schema } = this.#deref(name, header);
    this.ask(isText(description), `${name} is described`);
    this.schema(name, schema);
  }

  schema(name: string, schema: unknown): void {
    const { $ref, ...rest } = this.#deref(name, schema);
    this.ask($ref === undefined, `${name} is not a reference to a reference`);
    const { properties, required, items, prefixItems, anyOf, oneOf, enum: words } = rest;
    const inner = Object.entries((properties ?? {}) as Json);
    for (const [field, one] of inner) this.schema(`${name}.${field}`, one);
    for (const field of (required ?? []) as readonly string[]) this.ask(inner.some(([known]) => known === field), `${name}.${field} is required and described`);
    for (const one of [items, ...((prefixItems ?? anyOf ?? oneOf ?? []) as readonly unknown[])]) if (typeof one === 'object') this.schema(`${name}[]`, one);
    this.ask(words === undefined || (Array.isArray(words) && words.length > 0), `${name} is one of something`);
    this.ask(unknownWord(rest) === undefined, `${name} is in the language, ${unknownWord(rest)} is not`);
    const values = [rest['default'], ...((rest['examples'] ?? []) as readonly unknown[])].filter((value) => value !== undefined);
    for (const value of values) this.found.push(...violations(rest as Schema, value, name));
  }

  #parameters(name: string, path: string, parameters: readonly Json[]): void {
    const inPath = parameters.filter(({ in: place }) => place === 'path').map((parameter) => parameter['name']);
    this.ask(JSON.stringify(inPath) === JSON.stringify([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])), `${name} describes the parameters of its path`);
    this.ask(new Set(parameters.map((parameter) => `${String(parameter['in'])} ${String(parameter['name'])}`)).size === parameters.length, `${name} describes each parameter once`);
    for (const parameter of parameters) {
      const called = `${name} ${String(parameter['name'])}`;
      this.ask(['path', 'query', 'header'].includes(String(parameter['in'])), `${called} has a place`);
      this.ask(parameter['in'] !== 'path' || parameter['required'] === true, `${called} is required`);
      this.ask((parameter['schema'] as Json)['type'] !== 'array' || parameter['explode'] === false, `${called} has commas between its items`);
      this.schema(called, parameter['schema']);
    }
  }

  #content(name: string, content: unknown): void {
    const types = Object.entries(content as Json);
    this.ask(types.length > 0 && types.every(([type]) => /^[a-z]+\/[a-z+.-]+$/.test(type)), `${name} has a content type`);
    for (const [type, one] of types) if ('schema' in (one as Json)) this.schema(`${name} ${type}`, (one as Json)['schema']);
  }

  /** The thing itself, or what it refers to. */
  #deref(name: string, thing: unknown): Json {
    const { $ref } = thing as { $ref?: string };
    return $ref === undefined ? (thing as Json) : this.#resolve(name, $ref);
  }

  #resolve(name: string, ref: string): Json {
    const found = ref.split('/').slice(1).reduce<unknown>((at, step) => (at as Json | undefined)?.[step], this.#document);
    this.ask(found !== undefined, `${name} refers to ${ref}`);
    return (found ?? {}) as Json;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
