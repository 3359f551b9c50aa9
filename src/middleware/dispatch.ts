/** Last of the stages: runs the route's handler, or answers its repeat, and sends what it returns. */
import type { Context, Document, Idempotency, Reply, Written } from '../types/route.ts';
import { depart } from './connection-order.ts';
import type { ApiRequest, ApiResponse, Stage } from './http.ts';
import { sendData, sendDocument, sendJson, sendNothing } from './reply.ts';
import type { CompiledRoute } from './route-table.ts';

export interface KeptReplies {
  /** What `act` was answered with the first time under this key. Throws a Refusal for a key of another request. */
  once(request: Idempotency, act: () => Promise<string>): Promise<string>;
}

export interface DispatchOptions {
  readonly replies: KeptReplies;
  /** Tests only: whether each reply is held to the schema that documents it. */
  readonly checkReplies: boolean;
}

type Result = Reply<unknown> | Written<unknown> | Document | void;

export function dispatch(options: DispatchOptions): Stage {
  return (req, res, next) => {
    const { matched, context } = req;
    if (matched === undefined || context === undefined) return next(new Error('validation let a request through unparsed'));
    const finish = (result: Result): void => {
      try {
        if (options.checkReplies) checkReply(matched, result);
        sendResult(req, res, matched, result);
      } catch (error) {
        next(error);
      }
    };
    try {
      const result = matched.repeats === 'kept' && context.meta !== undefined ? once(options.replies, matched, context, context.meta) : matched.handler(context);
      depart(req);
      if (result instanceof Promise) result.then(finish, next);
      else finish(result);
    } catch (error) {
      next(error);
    }
  };
}

async function once(replies: KeptReplies, route: CompiledRoute, context: Context, meta: Idempotency): Promise<Result> {
  const json = await replies.once(meta, async () => textOf(await route.handler(context)));
  return json === '' ? undefined : { json };
}

function textOf(result: Result): string {
  if (result === undefined) return '';
  if ('contentType' in result) throw new Error('a document is not kept');
  return 'json' in result ? result.json : JSON.stringify(result);
}

function sendResult(req: ApiRequest, res: ApiResponse, route: CompiledRoute, result: Result): void {
  if (result === undefined) sendNothing(res, route.status);
  else if ('json' in result) sendJson(req, res, route, result.json);
  else if ('contentType' in result) sendDocument(req, res, result);
  else sendData(req, res, route, result);
}

function checkReply(route: CompiledRoute, result: Result): void {
  if (result === undefined) return;
  const wrong = 'contentType' in result ? wrongDocument(route, result) : wrongData(route, result);
  if (wrong !== undefined) throw new Error(`${route.method} ${route.fullPath} does not reply what it documents: ${wrong}`);
}

function wrongData({ response }: CompiledRoute, result: Reply<unknown> | Written<unknown>): string | undefined {
  const { data } = 'json' in result ? (JSON.parse(result.json) as Reply<unknown>) : result;
  return response?.safeParse(data).error?.message;
}

function wrongDocument({ bodies }: CompiledRoute, { status = 200, body }: Document): string | undefined {
  if (bodies === undefined) return undefined;
  const schema = bodies[status];
  return schema === undefined ? `it has no status ${status}` : schema.safeParse(JSON.parse(String(body))).error?.message;
}
