/** What is in ops/ fits this server: alerts and dashboard ask for metrics that there are, Prometheus accepts them, each alert can ring and has its row in the documentation, and the service's limits suit the defaults. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { CONFIG_EXIT_STATUS, parseConfig } from '../src/config/config.ts';
import { createMetrics } from '../src/observability/metrics.ts';
import { unlessInstalled } from './support/needs.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PROMETHEUS = join(ROOT, 'ops/prometheus');
const skip = unlessInstalled('promtool');

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Panel { readonly id: number; readonly type: string; readonly title: string; readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }; readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[] }
interface Dashboard { readonly panels: readonly Panel[]; readonly annotations: { readonly list: readonly { readonly expr: string }[] } }

const rules = Array.from(read('ops/prometheus/alerts.yml').matchAll(/- alert: (\w+)\n +expr: (.+)$/gm), ([, name, expr]) => ({ name: name as string, expr: expr as string }));
const dashboard = JSON.parse(read('ops/grafana/bourse.json')) as Dashboard;
const shown = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr, legendFormat }) => ({ name: title, expr, legend: legendFormat })));
const asked = [...rules, ...shown, ...dashboard.annotations.list.map(({ expr }) => ({ name: 'annotation', expr }))].map((one) => ({ legend: '', ...one }));

/** Prometheus gives these to every series that it scrapes. */
const OF_THE_SCRAPE = ['instance', 'job'];

/** Labels of each series that a scrape brings, by name. */
function scraped(): Map<string, readonly string[]> {
  const series = new Map<string, readonly string[]>([['up', OF_THE_SCRAPE]]);
  for (const metric of createMetrics({ processMetrics: true }).registry.getMetricsAsArray()) {
    const { name, labelNames = [], buckets } = metric as unknown as { name: string; labelNames?: readonly string[]; buckets?: readonly number[] };
    const labels = [...labelNames, ...OF_THE_SCRAPE];
    if (buckets === undefined) series.set(name, labels);
    else for (const [part, more] of [['bucket', ['le']], ['sum', []], ['count', []]] as const) series.set(`${name}_${part}`, [...labels, ...more]);
  }
  return series;
}

test('alerts and dashboard ask for series that there are, by labels that they have', () => {
  const series = scraped();
  assert.ok(rules.length > 10 && shown.length > 30, `${rules.length} alerts, ${shown.length} expressions on the dashboard`);
  for (const { name, expr, legend } of asked) {
    const names = expr.match(/\bbourse_\w+|\bup\b/g) ?? [];
    assert.ok(names.length > 0, `${name}: ${expr}`);
    for (const one of names) assert.ok(series.has(one), `${name}: there is no ${one}`);
    for (const [, one, matchers] of expr.matchAll(/\b(bourse_\w+|up)\{([^}]*)\}/g)) {
      for (const [, label] of (matchers as string).matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) assert.ok(series.get(one as string)?.includes(label as string), `${name}: ${one} has no label ${label}`);
    }
    const known = new Set(names.flatMap((one) => series.get(one) ?? []));
    const grouped = Array.from(expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g), ([, labels]) => (labels as string).split(',').map((label) => label.trim())).flat();
    const written = Array.from(legend.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label as string);
    for (const label of [...grouped, ...written]) assert.ok(known.has(label), `${name}: nothing there has a label ${label}: ${expr}`);
  }
});

test('the documentation names metrics that there are', () => {
  const names = [...scraped().keys()].flatMap((name) => [name, name.replace(/_(?:bucket|sum|count)$/, '')]);
  for (const page of ['docs/operations.md', 'docs/prices.md', 'docs/performance.md']) for (const name of read(page).match(/\bbourse_[a-z_]*[a-z](?![a-z_*])/g) ?? []) assert.ok(names.includes(name), `${page}: ${name}`);
});

test('Prometheus accepts configuration and rules', { skip }, () => {
  promtool(PROMETHEUS, 'check', 'config', 'prometheus.yml');
  promtool(PROMETHEUS, 'check', 'rules', 'alerts.yml');
});

test('each alert rings when it should, and none when all is well', { skip }, () => {
  promtool(PROMETHEUS, 'test', 'rules', 'alerts.test.yml');
  const tests = read('ops/prometheus/alerts.test.yml');
  for (const { name } of rules) {
    assert.match(tests, new RegExp(`alertname: ${name} \\}$`, 'm'), `${name} is not looked for where all is well`);
    assert.match(tests, new RegExp(`alertname: ${name}\n +exp_alerts:\n +- `), `${name} is never expected`);
  }
});

test('Prometheus understands what the dashboard asks', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bourse-dashboard-'));
  const exprs = [...shown, ...dashboard.annotations.list].map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
  const lines = exprs.flatMap((expr, i) => [`      - record: bourse:dashboard:${i}`, `        expr: ${JSON.stringify(expr)}`]);
  writeFileSync(join(directory, 'dashboard.yml'), ['groups:', '  - name: dashboard', '    rules:', ...lines, ''].join('\n'));
  try {
    promtool(directory, 'check', 'rules', 'dashboard.yml');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the dashboard’s panels have ids of their own and do not lie on one another', () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        assert.equal(taken.get(`${column} ${line}`), undefined, `${title} lies on another panel`);
        taken.set(`${column} ${line}`, title);
      }
    }
  }
});

test('the documentation says what to do for each alert', () => {
  const page = read('docs/operations.md');
  for (const { name } of rules) assert.match(page, new RegExp(`^\\| \`${name}\``, 'm'), name);
});

test('the service’s limits suit the defaults, and it starts as npm start does', () => {
  const unit = new Map(Array.from(read('ops/systemd/bourse.service').matchAll(/^(\w+)=(.*)$/gm), ([, key, value]) => [key as string, value as string]));
  const { drainTimeoutMs, connections } = parseConfig({});
  // As long again for the last snapshot and the journal.
  assert.ok(Number(unit.get('TimeoutStopSec')) * 1_000 >= 2 * drainTimeoutMs);
  // A file for each connection, and as many again for files, databases and connections that are being refused.
  assert.ok(Number(unit.get('LimitNOFILE')) >= 2 * connections.total);
  assert.equal(unit.get('RestartPreventExitStatus'), String(CONFIG_EXIT_STATUS));
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  assert.equal(unit.get('ExecStart')?.replace(/^\S+\/node /, 'exec node '), scripts['start']);
});

function promtool(cwd: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, `${stdout}${stderr}`);
}
