/**
 * A client that trusts nothing: each reply is held to what the server itself documents in /openapi.json (status, content type, schema, no
 * field that is not described) and to what holds for every reply (request id, problem fields, caching). Remembers which routes it has used.
 */
import assert from 'node:assert/strict';
import { violations, type Schema } from './json-schema.ts';
import { ADMIN } from './server-process.ts';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }>>;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Problem: Schema } };
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export interface Checked<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: T;
  readonly meta: { readonly nextCursor?: string; readonly seq?: number } | undefined;
  readonly problem: Problem | undefined;
  /** As sent. */
  readonly text: string;
}

export interface Ask {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Buffer;
}

const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export class Venue {
  readonly url: string;
  readonly document: OpenApi;
  /** `GET /api/v1/orders/{id}` of what was asked at least once and succeeded. */
  readonly used = new Set<string>();
  readonly codes = new Set<string>();

  static async at(url: string): Promise<Venue> {
    const response = await fetch(`${url}/openapi.json`);
    return new Venue(url, (await response.json()) as OpenApi);
  }

  private constructor(url: string, document: OpenApi) {
    this.url = url;
    this.document = document;
  }

  get nobody(): User {
    return new User(this, undefined);
  }

  async register(name: string): Promise<User> {
    const { data } = await this.nobody.ask<{ tokens: { accessToken: string } }>('POST', '/auth/register', { body: { email: `${name}@bourse.test`, password: `the password of ${name} 7` } });
    return new User(this, data.tokens.accessToken);
  }

  async admin(): Promise<User> {
    const { data } = await this.nobody.ask<{ tokens: { accessToken: string } }>('POST', '/auth/login', { body: ADMIN });
    return new User(this, data.tokens.accessToken);
  }

  /** The documented route, or undefined. A path without parameters goes before one with. */
  find(method: string, path: string): { readonly name: string; readonly operation: Operation } | undefined {
    const plain = path.split('?')[0] as string;
    const templates = Object.keys(this.document.paths).sort((a, b) => Number(a.includes('{')) - Number(b.includes('{')));
    for (const template of templates) {
      const operation = this.document.paths[template]?.[method.toLowerCase()];
      if (operation !== undefined && new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(plain)) return { name: `${method} ${template}`, operation };
    }
    return undefined;
  }
}

export class User {
  readonly venue: Venue;
  readonly token: string | undefined;

  constructor(venue: Venue, token: string | undefined) {
    this.venue = venue;
    this.token = token;
  }

  /** `path` below /api/v1. Fails the test when the reply is not as documented; whatever its status is. */
  async ask<T>(method: string, path: string, { body, headers, raw }: Ask = {}): Promise<Checked<T>> {
    const full = `/api/v1${path}`;
    const response = await fetch(this.venue.url + full, {
      method,
      headers: {
        ...(body === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body === undefined && raw === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.match(response.headers.get('x-request-id') ?? '', UUID, `${method} ${path} has no request id`);
    const place = `${method} ${path} → ${response.status} ${text.slice(0, 300)}`;
    if (response.status >= 400) return { ...this.#refused(response, text, place), text };
    return { ...this.#granted<T>(method, full, response, text, place), text };
  }

  /** The `data` of a reply that must have this status. */
  async get<T>(path: string): Promise<T> {
    return (await this.expect<T>('GET', path, 200)).data;
  }

  async expect<T>(method: string, path: string, status: number, ask: Ask = {}): Promise<Checked<T>> {
    const answer = await this.ask<T>(method, path, ask);
    assert.equal(answer.status, status, `${method} ${path}: ${answer.text.slice(0, 300)}`);
    return answer;
  }

  async post<T>(path: string, body: unknown, status = 201): Promise<T> {
    return (await this.expect<T>('POST', path, status, { body })).data;
  }

  async refuse(method: string, path: string, status: number, code: string, ask: Ask = {}): Promise<Problem> {
    const { problem, text, ...answer } = await this.ask(method, path, ask);
    assert.deepEqual([answer.status, problem?.code], [status, code], `${method} ${path} ${JSON.stringify(ask.body)}: ${text.slice(0, 300)}`);
    return problem as Problem;
  }

  #refused(response: Response, text: string, place: string): Omit<Checked<never>, 'text'> {
    const problem = JSON.parse(text) as Problem;
    assert.equal(response.headers.get('content-type'), 'application/problem+json', place);
    assert.equal(response.headers.get('cache-control'), 'no-store', place);
    assert.deepEqual(violations(this.venue.document.components.schemas.Problem, problem), [], place);
    assert.equal(problem.status, response.status, place);
    assert.equal(problem.requestId, response.headers.get('x-request-id'), place);
    assert.ok(problem.type !== '' && problem.title !== '' && problem.detail !== '', place);
    this.venue.codes.add(problem.code);
    return { status: response.status, headers: response.headers, data: undefined as never, meta: undefined, problem };
  }

  #granted<T>(method: string, path: string, response: Response, text: string, place: string): Omit<Checked<T>, 'text'> {
    const found = this.venue.find(method, path);
    assert.ok(found !== undefined, `${place}: is not documented`);
    this.venue.used.add(found.name);
    const { status, headers } = response;
    if (status === 304) return { status, headers, data: undefined as T, meta: undefined, problem: undefined };
    const documented = found.operation.responses[status];
    assert.ok(documented !== undefined, `${place}: the status is not documented`);
    const schema = documented.content?.['application/json']?.schema;
    if (schema === undefined) {
      assert.equal(text, '', place);
      return { status, headers, data: undefined as T, meta: undefined, problem: undefined };
    }
    assert.equal(headers.get('content-type'), 'application/json; charset=utf-8', place);
    const reply = JSON.parse(text) as { data: T; meta?: { nextCursor?: string; seq?: number } };
    if (!path.includes('fields=')) assert.deepEqual(violations(schema, reply), [], place);
    return { status, headers, data: reply.data, meta: reply.meta, problem: undefined };
  }
}
