/** Finds names that a database could take for an operator or a path: `$where`, `a.b`, `a[$ne]`. They are refused once the request is counted; nothing is changed. */
import { Refusal } from '../types/refusal.ts';
import { walkKeys } from '../utils/json-shape.ts';
import type { Stage } from './http.ts';

const QUERY_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

export function mongoSanitize(): Stage {
  return (req, _res, next) => {
    let bad: string | undefined;
    for (const name of Object.keys(req.parsedQuery)) if (!QUERY_NAME.test(name)) bad ??= name;
    if (req.body !== undefined) {
      walkKeys(req.body, (key) => {
        if (key.startsWith('$') || key.includes('.') || key.includes('\0')) bad ??= key;
      });
    }
    if (bad !== undefined) req.inputFailure ??= new Refusal('VALIDATION_FAILED', `${JSON.stringify(bad.slice(0, 64))} cannot be the name of a field`);
    next();
  };
}
