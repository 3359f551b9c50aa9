/** Turns foreign input into a new, typed object by schema, or into a Refusal that names every field that is wrong. Knows nothing of HTTP or sockets. */
import type { core, ZodType } from 'zod';
import { Refusal, type FieldError } from '../types/refusal.ts';

const MAX_ERRORS = 20;

/** The parsed value. Throws Refusal VALIDATION_FAILED with one entry per field; paths are dotted, as in `orders.3.price`. */
export function parse<T>(schema: ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid(fieldErrors(result.error.issues));
}

/** A refusal for input that is wrong in a way only the caller can tell. */
export function invalid(errors: readonly FieldError[]): Refusal {
  return new Refusal('VALIDATION_FAILED', describe(errors), { errors });
}

/** One sentence for all of the errors. */
export function describe(errors: readonly FieldError[]): string {
  return errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

export function fieldErrors(issues: readonly core.$ZodIssue[]): FieldError[] {
  return issues.slice(0, MAX_ERRORS).flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code !== 'unrecognized_keys') return [{ path: path.join('.'), message: issue.message }];
    return issue.keys.slice(0, MAX_ERRORS).map((key) => ({ path: [...path, key.slice(0, 64)].join('.'), message: 'is not a field of this request' }));
  });
}
