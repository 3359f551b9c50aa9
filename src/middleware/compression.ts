/** Compresses large replies. Whether a reply is large is known only when it is sent, so this stage just offers it: `reply.ts` takes it up. */
import compressionLibrary from 'compression';
import type { RequestHandler } from 'express';
import type { Stage } from './http.ts';

/** Bytes; below it compressing costs more than it saves. */
export const COMPRESSION_THRESHOLD = 1_024;

export function compression(): Stage {
  const library = compressionLibrary({ threshold: COMPRESSION_THRESHOLD }) as unknown as (...args: Parameters<RequestHandler>) => void;
  return (req, res, next) => {
    if (req.headers['accept-encoding'] !== undefined) res.compress = () => library(...([req, res, () => undefined] as unknown as Parameters<RequestHandler>));
    next();
  };
}
