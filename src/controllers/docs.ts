/** The API's documentation: the OpenAPI document, a page that shows it and tries it out, and what there is to know of the sockets. Everything is made once. */
import { openApiDocument, type DocumentedRoute } from '../validators/openapi.ts';
import { documentRoute, type Route } from './route.ts';

const CACHE_CONTROL = 'public, max-age=300';
const PAGE = '/docs';
/** What somebody types into a browser who looks for the page. */
const WAYS_TO_PAGE = ['/', '/docs/'];

export interface DocsPage {
  readonly html: Buffer;
  readonly script: Buffer;
  readonly style: Buffer;
  readonly sockets: Buffer;
}

/** @param documented All routes; asked for at the first request, when all of them are known. */
export function docsRoutes(documented: () => readonly DocumentedRoute[], page: DocsPage): Route[] {
  let openApi: string | undefined;
  const document = (): string => JSON.stringify(openApiDocument(documented().filter(({ fullPath }) => !WAYS_TO_PAGE.includes(fullPath))));
  return [
    documentRoute({
      path: '/openapi.json',
      permission: 'public',
      summary: 'This interface as OpenAPI 3.1',
      produces: 'application/json',
      handler: () => ({ contentType: 'application/json; charset=utf-8', body: (openApi ??= document()), cacheControl: CACHE_CONTROL }),
    }),
    asset(PAGE, page.html, 'text/html', 'The browsable documentation'),
    asset('/docs/docs.js', page.script, 'text/javascript', 'Its script'),
    asset('/docs/docs.css', page.style, 'text/css', 'Its style'),
    // As plain text, which browsers show.
    asset('/docs/sockets.md', page.sockets, 'text/plain', 'The interface over Socket.IO: calls, events, limits'),
    ...WAYS_TO_PAGE.map(toPage),
  ];
}

function asset(path: string, body: Buffer, produces: string, summary: string): Route {
  return documentRoute({ path, permission: 'public', summary, produces, handler: () => ({ contentType: `${produces}; charset=utf-8`, body, cacheControl: CACHE_CONTROL }) });
}

function toPage(path: string): Route {
  return documentRoute({
    path,
    permission: 'public',
    summary: 'Leads to the documentation',
    produces: 'text/plain',
    handler: () => ({ status: 302, location: PAGE, contentType: 'text/plain; charset=utf-8', body: `The documentation is at ${PAGE}\n` }),
  });
}
