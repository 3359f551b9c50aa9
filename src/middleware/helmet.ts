/** Security headers. The library decides once, at start-up, what they are; every reply gets the same. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import helmetLibrary from 'helmet';
import type { Stage } from './http.ts';

export function helmet(): Stage {
  const headers = headersOf(
    helmetLibrary({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          fontSrc: ["'self'"],
          connectSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      frameguard: { action: 'deny' },
      strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: true },
    }),
  );
  return (_req, res, next) => {
    res.lines.push(...headers);
    next();
  };
}

/** Runs the library on a reply that only takes notes; names and values in turn. */
function headersOf(library: (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void): readonly string[] {
  const headers: string[] = [];
  const notes = { setHeader: (name: string, value: string) => headers.push(name, value), removeHeader() {} };
  library({} as IncomingMessage, notes as unknown as ServerResponse, (error) => {
    if (error !== undefined) throw error;
  });
  return headers;
}
