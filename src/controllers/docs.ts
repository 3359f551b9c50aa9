/** The API's documentation: the OpenAPI document and a page that shows it and tries it out. Everything is made once. */
import { openApiDocument, type DocumentedRoute } from '../validators/openapi.ts';
import { documentRoute, type Route } from './route.ts';

const CACHE_CONTROL = 'public, max-age=300';

export interface DocsPage {
  readonly html: Buffer;
  readonly script: Buffer;
  readonly style: Buffer;
}

/** @param documented All routes; asked for at the first request, when all of them are known. */
export function docsRoutes(documented: () => readonly DocumentedRoute[], page: DocsPage): Route[] {
  let openApi: string | undefined;
  return [
    documentRoute({
      path: '/openapi.json',
      permission: 'public',
      summary: 'This interface as OpenAPI 3.1',
      produces: 'application/json',
      handler: () => ({ contentType: 'application/json; charset=utf-8', body: (openApi ??= JSON.stringify(openApiDocument(documented()))), cacheControl: CACHE_CONTROL }),
    }),
    asset('/docs', page.html, 'text/html', 'The browsable documentation'),
    asset('/docs/docs.js', page.script, 'text/javascript', 'Its script'),
    asset('/docs/docs.css', page.style, 'text/css', 'Its style'),
  ];
}

function asset(path: string, body: Buffer, produces: string, summary: string): Route {
  return documentRoute({ path, permission: 'public', summary, produces, handler: () => ({ contentType: `${produces}; charset=utf-8`, body, cacheControl: CACHE_CONTROL }) });
}
