// Runs the scene and every query of both dashboards, and draws the dashboards with Chromium: node render.mjs SECONDS

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

import { build } from 'esbuild';

import { play } from './scene.mjs';

const seconds = Number(process.argv[2]);
const WIDTH = 1640;

// The scene is much shorter than a dashboard's usual range, so this shortens the smallest interval of a panel to seconds.
const squeeze = (interval) => (interval ? { '30s': 2, '5m': 20, '1h': 60 }[interval] : 2);

async function ask(url, path, parameters) {
  const answer = await (await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) })).json();
  if (answer.status !== 'success') throw new Error(`${parameters.query}: ${answer.error}`);
  return answer.data.result;
}

function filled(expr, values, step) {
  const all = { __rate_interval: `${step + 5}s`, __range: `${seconds}s`, ...values };
  return Object.entries(all).reduce((text, [name, value]) => text.replaceAll(`\${${name}}`, value).replaceAll(`$${name}`, value), expr);
}

/** All panels, also those of closed rows. */
const everyPanel = (dashboard) => dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

/** The dashboard with its closed rows opened, as after a click on each. */
function opened(dashboard) {
  let below = 0;
  const panels = dashboard.panels.flatMap((panel) => {
    const moved = (one) => ({ ...one, gridPos: { ...one.gridPos, y: one.gridPos.y + below } });
    const inside = (panel.panels ?? []).map(moved);
    const row = { ...moved(panel), collapsed: false };
    below += Math.max(0, ...inside.map(({ gridPos }) => gridPos.y + gridPos.h - row.gridPos.y - 1));
    return [row, ...inside];
  });
  return { ...dashboard, panels };
}

async function answers(url, dashboard, values, to) {
  const found = {};
  for (const panel of everyPanel(dashboard).filter((panel) => panel.targets)) {
    const step = squeeze(panel.interval);
    found[panel.id] = [];
    for (const target of panel.targets) {
      const query = filled(target.expr, values, step);
      const result = target.instant ? await ask(url, 'query', { query, time: to }) : await ask(url, 'query_range', { query, start: to - seconds, end: to, step });
      found[panel.id].push({ target, result, step });
    }
  }
  return found;
}

function draw(name, data) {
  const lowest = Math.max(...data.dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const height = lowest * 38 + 70;
  writeFileSync(`${name}.html`, `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><body><div id="root"></div><script>window.DATA=${JSON.stringify(data).replaceAll('<', '\\u003c')}</script><script src="page.js"></script>`);
  const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--allow-file-access-from-files', '--hide-scrollbars'];
  const profile = mkdtempSync(join(tmpdir(), 'render-'));
  const shot = spawnSync('chromium', ['--headless', '--no-sandbox', ...quiet, `--user-data-dir=${profile}`, `--window-size=${WIDTH},${height}`, '--virtual-time-budget=9000', `--screenshot=${process.cwd()}/${name}.png`, `file://${process.cwd()}/${name}.html`], { encoding: 'utf8', timeout: 120_000 });
  const complaints = shot.stderr.split('\n').filter((line) => /CONSOLE/.test(line));
  console.log(`${name}.png`, complaints.slice(0, 5).join('\n'));
}

await build({
  entryPoints: ['page.jsx'],
  bundle: true,
  outfile: 'page.js',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
  loader: { '.svg': 'dataurl', '.ttf': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl' },
  logLevel: 'error',
});

const read = (name) => JSON.parse(readFileSync(join(process.env.DASHBOARDS, `${name}.json`), 'utf8'));
const answered = 'answers.json';
if (process.env.AGAIN !== 'yes') {
  const folder = mkdtempSync(join(tmpdir(), 'scene-'));
  const scene = await play(folder, process.env.CREDWATCH, process.env.DASHBOARDS, seconds);
  try {
    await wait(seconds * 1000);
    const to = Date.now() / 1000;
    const common = { job: '.+', instance: '.+', team: '.*', owner: '.*', api_host: '.*', scheme: 'http' };
    const { data } = await (await fetch(`${scene.url}/api/v1/alerts`)).json();
    const kept = {
      to,
      alerts: data.alerts,
      overview: await answers(scene.url, read('credwatch-overview'), { ...common, provider: '.+' }, to),
      provider: await answers(scene.url, read('credwatch-provider'), { ...common, provider: 'rcs-campaigns' }, to),
    };
    writeFileSync(answered, JSON.stringify(kept));
  } finally {
    scene.end();
  }
}
const kept = JSON.parse(readFileSync(answered, 'utf8'));
for (const name of ['overview', 'provider']) {
  const dashboard = read(`credwatch-${name}`);
  const data = { answers: kept[name], alerts: kept.alerts, to: kept.to, seconds, values: { provider: 'rcs-campaigns' } };
  draw(`credwatch-${name}`, { ...data, dashboard });
  draw(`credwatch-${name}-open`, { ...data, dashboard: opened(dashboard) });
}
process.exit(0);
