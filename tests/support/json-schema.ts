/** Holds a value to a JSON Schema, for the part of the language that the OpenAPI document uses. Stricter than the standard: a field that is not described is an error. */

export type Schema = Readonly<Record<string, unknown>>;

/** A JSON decimal as clients get it: shortest form, no exponent. */
export const DECIMAL = /^(?!-0$)-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?$/;

const KNOWN = new Set([
  'type', 'properties', 'required', 'additionalProperties', 'propertyNames', 'items', 'prefixItems', 'anyOf', 'oneOf', 'enum', 'const', 'format', 'pattern',
  'minimum', 'maximum', 'exclusiveMinimum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'description', 'examples', 'default', 'readOnly', 'x-status-by-code', 'x-meaning-by-code',
]);

/** What is wrong, one line per place; empty = valid. Throws for a schema that uses words it does not know. */
export function violations(schema: Schema, value: unknown, path = ''): string[] {
  if (Object.keys(schema).length === 0) return [];
  const unknown = unknownWord(schema);
  if (unknown !== undefined) throw new Error(`the schema at ${path || 'the top'} uses ${unknown}`);
  const choices = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined;
  if (choices !== undefined) {
    const results = choices.map((choice) => violations(choice, value, path));
    return results.some((result) => result.length === 0) ? [] : results.flat();
  }
  const wrong = (what: string): string[] => [`${path || 'the value'}: ${what}, not ${JSON.stringify(value)?.slice(0, 80)}`];
  if ('const' in schema && schema['const'] !== value) return wrong(`must be ${String(schema['const'])}`);
  if (Array.isArray(schema['enum']) && !schema['enum'].includes(value)) return wrong(`must be one of ${schema['enum'].join(', ')}`);
  if (!isOfType(value, schema['type'])) return wrong(`must be ${String(schema['type'])}`);
  if (typeof value === 'string') return textViolation(schema, value) ? wrong(`must be ${String(schema['format'] ?? schema['pattern'] ?? 'of another length')}`) : [];
  if (typeof value === 'number') return Number(schema['minimum'] ?? -Infinity) > value || Number(schema['maximum'] ?? Infinity) < value ? wrong('must be in range') : [];
  if (Array.isArray(value)) return arrayViolations(schema, value, path);
  if (typeof value === 'object' && value !== null) return objectViolations(schema, value as Record<string, unknown>, path);
  return [];
}

/** The first word of a schema, not of those in it, that is not understood here. */
export function unknownWord(schema: Schema): string | undefined {
  return Object.keys(schema).find((word) => !KNOWN.has(word));
}

function isOfType(value: unknown, type: unknown): boolean {
  if (Array.isArray(type)) return type.some((one) => isOfType(value, one));
  switch (type) {
    case undefined:
      return true;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

function textViolation({ format, pattern, minLength, maxLength }: Schema, value: string): boolean {
  if (format === 'decimal' && !DECIMAL.test(value)) return true;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) return true;
  return value.length < Number(minLength ?? 0) || value.length > Number(maxLength ?? Infinity);
}

function arrayViolations({ items, prefixItems, minItems, maxItems }: Schema, value: readonly unknown[], path: string): string[] {
  const tuple = prefixItems as readonly Schema[] | undefined;
  if (value.length < Number(minItems ?? tuple?.length ?? 0) || value.length > Number(maxItems ?? tuple?.length ?? Infinity)) return [`${path}: ${value.length} items`];
  return value.flatMap((item, i) => violations(tuple?.[i] ?? ((items ?? {}) as Schema), item, `${path}[${i}]`));
}

function objectViolations(schema: Schema, value: Readonly<Record<string, unknown>>, path: string): string[] {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const others = schema['additionalProperties'];
  const missing = ((schema['required'] ?? []) as readonly string[]).filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name}: is missing`);
  return Object.entries(value).reduce((found, [name, item]) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : typeof others === 'object' ? (others as Schema) : undefined;
    return [...found, ...(property === undefined ? [`${path}.${name}: is not described`] : violations(property, item, `${path}.${name}`))];
  }, missing);
}
