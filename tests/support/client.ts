/** A client of a running server that knows the envelope: replies' `data`, or the status and code of a refusal. */
import { ADMIN } from './server-process.ts';

export interface Answer<T> {
  readonly status: number;
  readonly data: T;
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly headers: Headers;
}

export class Client {
  readonly #url: string;
  readonly #token: string | undefined;

  constructor(url: string, token?: string) {
    this.#url = url;
    this.#token = token;
  }

  get token(): string {
    return this.#token ?? '';
  }

  static async register(url: string, name: string): Promise<Client> {
    const anonymous = new Client(url);
    const { tokens } = await anonymous.post<{ tokens: { accessToken: string } }>('/auth/register', { email: `${name}@bourse.test`, password: `the password of ${name} 7` });
    return new Client(url, tokens.accessToken);
  }

  static async admin(url: string): Promise<Client> {
    const anonymous = new Client(url);
    const { tokens } = await anonymous.post<{ tokens: { accessToken: string } }>('/auth/login', ADMIN);
    return new Client(url, tokens.accessToken);
  }

  async send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const reply = (text === '' ? {} : JSON.parse(text)) as { data: T; code?: string; detail?: string };
    return { status: response.status, data: reply.data, code: reply.code, detail: reply.detail, headers: response.headers };
  }

  async #expect<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send<T>(method, path, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.code}`);
    return answer.data;
  }

  get<T>(path: string): Promise<T> {
    return this.#expect('GET', path);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#expect('POST', path, body);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.#expect('PUT', path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.#expect('DELETE', path);
  }
}
