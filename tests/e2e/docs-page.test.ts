/**
 * The browsable documentation in a real browser: every route is listed, calls can be tried as they open, it fits a telephone, nothing is blocked by the page's own
 * policy. What runs in the page is text here, since the compiler knows nothing of browsers.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';
import { CODES } from '../../src/types/refusal.ts';
import { unless } from '../support/needs.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

const CHROMIUM = '/usr/bin/chromium';
const skip = unless(existsSync(CHROMIUM), 'chromium', 'chromium is not installed');
const OUTPUT = resolve(import.meta.dirname, '../../test-output');
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

describe('the documentation page', { skip, timeout: 120_000 }, () => {
  let server: ServerProcess;
  let context: BrowserContext;
  let page: Page;
  const profile = mkdtempSync(join(tmpdir(), 'bourse-browser-'));
  const complaints: string[] = [];

  before(async () => {
    server = await startServer();
    context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: FLAGS });
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    // A refusal that is tried on purpose shows as a failed request, and is none of the page's faults.
    page.on('console', (message) => void (message.type() === 'error' && !/status of (?:4|5)\d\d/.test(message.text()) && complaints.push(message.text())));
  });
  after(async () => {
    await context?.close();
    await server?.dispose();
    rmSync(profile, { recursive: true, force: true });
  });

  const operation = (id: string): Locator => page.locator(`details#${id}`);
  const opened = async (id: string): Promise<Locator> => {
    const one = operation(id);
    if ((await one.getAttribute('open')) === null) await one.locator('summary').click();
    return one;
  };
  /** Sends it as it opens; the answer's first line. */
  const send = async (id: string, status: string): Promise<void> => {
    const one = await opened(id);
    await one.getByRole('button', { name: 'Send' }).click();
    await one.locator('pre', { hasText: status }).waitFor();
  };

  test('lists every route, and is where a browser is led to', async () => {
    for (const path of ['/', '/docs/']) {
      await page.goto(`${server.url}${path}`);
      assert.equal(page.url(), `${server.url}/docs`);
    }
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { openapi: string; paths: Record<string, Record<string, { summary: string }>> };
    assert.match(document.openapi, /^3\.1/);
    const summaries = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ summary }) => summary));
    assert.ok(summaries.length > 40, `${summaries.length} operations`);
    await page.getByText(summaries[0] as string, { exact: true }).first().waitFor();
    const text = await page.locator('body').innerText();
    for (const path of Object.keys(document.paths)) assert.ok(text.includes(path), `${path} is on the page`);
    mkdirSync(OUTPUT, { recursive: true });
    await page.screenshot({ path: join(OUTPUT, 'docs.png') });
  });

  test('a new user registers, signs in, deposits and trades with what stands in the forms', async () => {
    await page.goto(`${server.url}/docs`);
    await send('postAuthRegister', '201 Created');
    await page.getByLabel('E-mail').fill('me@example.com');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText(/^signed in for \d+ minutes$/).waitFor();
    await send('postWalletsDeposits', '201 Created');
    await send('postOrders', '201 Created');
    await send('getMarketsBySymbolKlines', '200 OK');
    const curl = await opened('postOrders');
    await curl.getByRole('button', { name: 'As curl' }).click();
    await curl.locator('pre', { hasText: `curl -X POST '${server.url}/api/v1/orders' -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" -d '{` }).waitFor();
  });

  test('what would go to a path with a hole in it is not sent', async () => {
    await page.goto(`${server.url}/docs`);
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url()));
    await send('deleteOrdersById', 'Not sent: id is empty.');
    await send('patchAdminMarketsBySymbol', '401 Unauthorized');
    assert.deepEqual(sent.filter((url) => url.includes('/api/v1/')), [`${server.url}/api/v1/admin/markets/BTC-USDT`]);
    assert.deepEqual(JSON.parse(await operation('patchAdminMarketsBySymbol').getByLabel('Body').inputValue()), { maxOpenOrders: 200 }, 'it changes nothing');
  });

  test('what is looked for is left, without empty headings, and it is said when that is nothing', async () => {
    await page.goto(`${server.url}/docs`);
    await page.locator('section').first().waitFor();
    const headings = async (): Promise<string[]> => page.locator('h2:visible').allInnerTexts();
    const all = await headings();
    await page.getByLabel('Find').fill('cancel order');
    assert.deepEqual((await headings()).filter((heading) => heading !== 'problems'), ['orders']);
    await page.getByLabel('Find').fill('no such thing anywhere');
    assert.deepEqual(await headings(), []);
    assert.ok(await page.getByText('Nothing here has all of these words.').isVisible());
    await page.getByLabel('Find').fill('');
    assert.deepEqual(await headings(), all);
  });

  test('the type of a problem leads to what it means', async () => {
    await page.goto(`${server.url}/docs#NO_LIQUIDITY`);
    const row = page.locator('tr:target');
    assert.match(await row.innerText(), /^NO_LIQUIDITY\s+422\s+A market order meets nobody/);
    const { y = Infinity } = (await row.boundingBox()) ?? {};
    assert.ok(y >= 0 && y < (page.viewportSize()?.height ?? 0), 'it is in sight');
    const colour = (code: string): Promise<string> => page.evaluate<string>(`getComputedStyle(document.getElementById('${code}')).backgroundColor`);
    assert.notEqual(await colour('NO_LIQUIDITY'), await colour('CONFLICT'));
    for (const code of CODES) assert.match(await page.locator(`tr#${code} td:last-child`).innerText(), /^[A-Z].{30,}\.$/s, code);
  });

  test('no opened operation is wider than a telephone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${server.url}/docs`);
    await page.locator('details').first().waitFor();
    const wide = await page.evaluate<string[]>(`(async () => {
      const found = [];
      for (const details of document.querySelectorAll('details')) {
        const filled = new Promise((done) => details.addEventListener('toggle', done, { once: true }));
        details.open = true;
        await filled;
        const { scrollWidth } = document.documentElement;
        if (scrollWidth > innerWidth) found.push(details.id + ' ' + scrollWidth);
        details.open = false;
      }
      return found;
    })()`);
    assert.deepEqual(wide, []);
    assert.equal(await page.locator('details > div').count(), await page.locator('details').count(), 'each has been opened');
  });

  test('nothing was blocked and nothing failed', () => assert.deepEqual(complaints, []));
});
