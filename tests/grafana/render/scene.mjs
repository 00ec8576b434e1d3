// The scene for the pictures: made-up token APIs, some of which fail, a credwatch that probes them, and a Prometheus.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';

/**
 * The APIs. `lives` is the token lifetime in seconds. `turns` lists fractions of the scene and the response from then on.
 * `at` is the API whose host and port this credential uses too.
 */
const APIS = {
  'billing-api': { team: 'finance', lives: 3600, tls: 60, more: ['secret_expires = SOON', 'credentials_next.client_secret = "a-secret"'] },
  'crm-legacy': { team: 'sales', lives: 3600, more: ['credentials.client_secret.file = "not-there"'], unreadable: true },
  'expense-payouts': { team: 'finance', lives: 1500, turns: [[0.5, 'outage']], more: ['secret_expires = 2099-06-30', 'vendor_url = "https://status.payouts.example"'] },
  'expense-refunds': { team: 'finance', lives: 2400, at: 'expense-payouts' },
  'expense-reports': { team: 'finance', lives: 5100, at: 'expense-payouts' },
  'identity-sync': { team: 'platform', lives: 7200, turns: [[0.15, 'refused'], [0.35, 'fine']] },
  'maps-geocoding': { team: 'logistics', lives: 3600, turns: [[0.6, 'throttled']] },
  'partner-portal': { team: 'partners', lives: 1800, tls: 5, more: ['tls.insecure = true'] },
  'plant-telemetry': { team: 'iot', lives: 90, cached: true, recipe: 'cached' },
  'rcs-campaigns': { team: 'campaigns', lives: 720, turns: [[0.25, 'refused']], more: ['credentials_next.client_secret = "a-wrong-one"', 'secret_expires = LATER', 'owner = "Ines"', 'renew_url = "https://console.rcs.example/keys"'] },
  'shop-orders': { team: 'sales', lives: 3600, turns: [[0.3, 'refused']], more: ['pause_until = 2099-01-01'] },
  'sms-alerts': { team: 'ops', recipe: 'forever' },
  'whatsapp-support': { team: 'support', lives: 5400, turns: [[0.88, 'silent']] },
};

const RECIPES = `
[recipes.cached]
tokens = "cached"
parameters = { token_url = {} }
credentials = ["client_id", "client_secret"]
[recipes.cached.request]
url = "{{ token_url }}"
form = { key = "{{ client_id }}", secret = "{{ client_secret }}" }
[recipes.cached.response]
token = "json.access_token"
expiry = [{ value = "json.expires_in", unit = "seconds" }]

[recipes.forever]
parameters = { token_url = {} }
credentials = ["client_id", "client_secret"]
[recipes.forever.request]
url = "{{ token_url }}"
form = { key = "{{ client_id }}", secret = "{{ client_secret }}" }
[recipes.forever.response]
token = "json.access_token"
never = "true"
`;

function answer(name, api, start, seconds) {
  return (request, response) => {
    let body = '';
    request.on('data', (piece) => (body += piece));
    request.on('end', () => {
      const part = (Date.now() - start) / 1000 / seconds;
      const now = (api.turns ?? []).filter(([from]) => from <= part).pop()?.[1] ?? 'fine';
      const wrong = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString().endsWith('a-wrong-one');
      const reply = (status, json, headers = {}) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(json));
      };
      if (now === 'silent') return;
      setTimeout(() => {
        if (now === 'refused' || wrong) return reply(401, { error: 'invalid_client', error_description: 'The client secret was revoked.' });
        if (now === 'outage') return reply(503, {});
        if (now === 'throttled') return reply(429, { error: 'rate_limited' }, { 'retry-after': '8' });
        const age = api.cached ? ((Date.now() - start) / 1000) % api.lives : 0;
        return reply(200, { access_token: `token-${api.cached ? Math.floor((Date.now() - start) / 1000 / api.lives) : Math.random()}-of-${name}`, expires_in: Math.ceil(api.lives - age), token_type: 'Bearer' });
      }, 20 + Math.random() * 60 * (1 + (name.length % 4)));
    });
  };
}

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function freePort() {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
}

const RULES = ['alerts', 'recording'];

/** The rules with times that fit the scene: a minute becomes a second, an hour a minute and a day four minutes. */
function quickly(rules) {
  const short = (text) => text.replace(/(\d+)([mhd])\b/g, (_, number, unit) => (unit === 'm' ? `${number}s` : `${unit === 'h' ? number : 4 * number}m`));
  return rules.replace(/\[[0-9mhd:]+\]|offset \d+m|(for|interval): \d+[mh]/g, short);
}

function configuration(ports) {
  const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  let text = `[defaults]\ninterval = "4s"\nconfirm_after = "1s"\nmax_backoff = "20s"\ntimeout = "3s"\n${RECIPES}`;
  for (const [name, api] of Object.entries(APIS)) {
    text += `\n[providers.${name}]\nrecipe = "${api.recipe ?? 'oauth2-client-credentials'}"\nlabels = { team = "${api.team}" }\n`;
    text += `parameters.token_url = "${api.tls ? 'https' : 'http'}://localhost:${ports[name]}/token"\ncredentials.client_id = "a-client"\n`;
    text += api.unreadable ? '' : 'credentials.client_secret = "a-secret"\n';
    text += api.tls && !api.more.includes('tls.insecure = true') ? `tls.ca_file = "${name}.pem"\n` : '';
    text += `${(api.more ?? []).join('\n').replace('SOON', day(10)).replace('LATER', day(38))}\n`;
  }
  return text;
}

/** Starts the scene. Returns the URL of its Prometheus, and `end`, which stops all processes. */
export async function play(folder, credwatch, dashboards, seconds) {
  mkdirSync(folder, { recursive: true });
  const start = Date.now();
  const ports = {};
  const children = [];
  for (const [name, api] of Object.entries(APIS)) {
    if (api.at) {
      ports[name] = ports[api.at];
      continue;
    }
    const serve = answer(name, api, start, seconds);
    if (api.tls) {
      const files = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE', '-days', String(api.tls), '-keyout', files[0], '-out', files[1]], { stdio: 'ignore' });
      ports[name] = await listening(https.createServer({ key: readFileSync(files[0]), cert: readFileSync(files[1]) }, serve));
    } else {
      ports[name] = await listening(http.createServer(serve));
    }
  }
  writeFileSync(join(folder, 'credwatch.toml'), configuration(ports));
  const [daemon, prometheus] = [await freePort(), await freePort()];
  for (const name of RULES) writeFileSync(join(folder, `${name}.yml`), quickly(readFileSync(join(dashboards, `${name}.yml`), 'utf8')));
  const scraped = `scrape_configs: [{ job_name: credwatch, static_configs: [{ targets: ["localhost:${daemon}"] }] }]`;
  writeFileSync(join(folder, 'prometheus.yml'), `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 2s }\nrule_files: [alerts.yml, recording.yml]\n${scraped}\n`);
  const run = (program, ...parameters) => {
    const child = spawn(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('exit', (code) => code && console.error(`${program} ended with ${code}`));
    children.push(child);
  };
  run(credwatch, 'run', `--config.file=${join(folder, 'credwatch.toml')}`, `--web.listen-address=127.0.0.1:${daemon}`, '--web.external-url=https://credwatch.example/', '--log.level=error');
  run('prometheus', `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${prometheus}`, '--log.level=error');
  return { url: `http://127.0.0.1:${prometheus}`, end: () => children.forEach((child) => child.kill()) };
}
