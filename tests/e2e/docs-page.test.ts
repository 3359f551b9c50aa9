/** The browsable documentation in a real browser: every route is listed, a call can be tried, nothing is blocked by the page's own policy. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { unless } from '../support/needs.ts';
import { startServer } from '../support/server-process.ts';

const CHROMIUM = '/usr/bin/chromium';
const skip = unless(existsSync(CHROMIUM), 'chromium is not installed');
const OUTPUT = resolve(import.meta.dirname, '../../test-output');
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

test('the documentation page lists every route and tries one out', { skip, timeout: 90_000 }, async () => {
  const server = await startServer();
  const profile = mkdtempSync(join(tmpdir(), 'bourse-browser-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: FLAGS });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    await page.goto(`${server.url}/docs`);
    const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { openapi: string; paths: Record<string, Record<string, { summary: string }>> };
    assert.match(document.openapi, /^3\.1/);
    const summaries = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ summary }) => summary));
    assert.ok(summaries.length > 40, `${summaries.length} operations`);
    await page.getByText(summaries[0] as string, { exact: true }).first().waitFor();
    const text = await page.locator('body').innerText();
    for (const path of Object.keys(document.paths)) assert.ok(text.includes(path), `${path} is on the page`);
    const ticker = page.locator('details').filter({ hasText: '/api/v1/markets/tickers' });
    await ticker.locator('summary').click();
    await ticker.getByText('default 50').first().waitFor();
    await ticker.getByRole('button', { name: 'Send' }).click();
    await ticker.getByText('200 OK').waitFor();
    mkdirSync(OUTPUT, { recursive: true });
    await page.screenshot({ path: join(OUTPUT, 'docs.png') });
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    await server.dispose();
    rmSync(profile, { recursive: true, force: true });
  }
});
