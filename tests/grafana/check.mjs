// Checks dashboards against Grafana's published types, and their queries against Prometheus's own grammar.
//
//   node check.mjs FILE…      prints one JSON object: for each file the list of its faults
//
// The script writes each panel as a TypeScript literal with the type of its panel kind. So the compiler reports an
// option that does not exist, as it does in Grafana's own code.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parser } from '@prometheus-io/lezer-promql';
import ts from 'typescript';

const home = dirname(fileURLToPath(import.meta.url));

/** Returns all panels of a dashboard, also the panels inside rows. */
function panels(dashboard) {
  return (dashboard.panels ?? []).flatMap((panel) => [panel, ...(panel.panels ?? [])]);
}

/** Returns the dashboard as TypeScript. */
function source(dashboard) {
  const known = ['alertlist', 'bargauge', 'row', 'stat', 'state-timeline', 'table', 'timeseries'];
  const lines = ["import type { Dashboard, Panels } from './types';", `export const dashboard: Dashboard = ${JSON.stringify({ ...dashboard, panels: [] }, null, 1)};`];
  for (const [index, panel] of panels(dashboard).entries()) {
    const literal = JSON.stringify(panel.type === 'row' ? { ...panel, panels: [] } : panel, null, 1);
    const type = known.includes(panel.type) ? `Panels[${JSON.stringify(panel.type)}]` : 'never';
    lines.push(`export const panel_${index}: ${type} = ${literal};`);
  }
  return lines.join('\n');
}

/** Returns the compiler's messages for each text, in the order of the texts. */
function typed(texts) {
  const names = texts.map((_, index) => join(home, `dashboard_${index}.ts`));
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  const virtual = (name) => texts[names.indexOf(name)];
  host.fileExists = (name) => virtual(name) !== undefined || fileExists.call(host, name);
  host.readFile = (name) => virtual(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, ...rest) =>
    virtual(name) === undefined ? getSourceFile.call(host, name, ...rest) : ts.createSourceFile(name, virtual(name), ts.ScriptTarget.ES2022, true);
  const program = ts.createProgram(names, options, host);
  const everywhere = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...diagnosticsOf(program, join(home, 'types.ts'))];
  if (everywhere.length > 0) {
    throw new Error(everywhere.map((diagnostic) => described(diagnostic)).join('\n'));
  }
  return names.map((name) => diagnosticsOf(program, name).map(described));
}

function diagnosticsOf(program, name) {
  const file = program.getSourceFile(name);
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}

/** Returns the message of a diagnostic with the faulty line and the title of its panel. */
function described({ file, start, messageText }) {
  const message = ts.flattenDiagnosticMessageText(messageText, ' ').replace(/\s+/g, ' ');
  if (file === undefined) {
    return message;
  }
  const before = file.text.slice(0, start).split('\nexport const ').pop() ?? '';
  const title = /\n {1}"title": (".*")/.exec(before)?.[1] ?? '';
  const line = file.text.split('\n')[file.getLineAndCharacterOfPosition(start).line]?.trim() ?? '';
  return `${title}: ${message} At: ${line.slice(0, 120)}`;
}

/** Returns every query of the dashboard with its panel or annotation. */
function queries(dashboard) {
  const found = [];
  for (const panel of panels(dashboard)) {
    for (const target of panel.targets ?? []) {
      found.push({ place: `${panel.title}, ${target.refId}`, expr: String(target.expr), instant: target.instant === true });
    }
  }
  for (const annotation of dashboard.annotations?.list ?? []) {
    if (annotation.builtIn !== 1) {
      found.push({ place: `annotation ${annotation.name}`, expr: String(annotation.target?.expr), instant: false });
    }
  }
  return found;
}

/** Replaces Grafana's variables with durations of the same length, so that positions in the query stay the same. */
function substituted(expr) {
  return expr.replace(/\$__(rate_interval|interval|range)/g, (word) => '1m'.padStart(word.length, '0'));
}

const OF_DAEMONS = ['build_info', 'config_last_reload_successful', 'config_last_reload_success_timestamp_seconds', 'external_url_info', 'state_last_save_successful', 'probes_in_flight', 'scheduler_lateness_seconds_bucket'];
// The settings of the rules. One has the label `provider`, and applies to each selected provider by a join.
const SETTINGS = /^credwatch:(slo_(availability|latency):objective|\w+_ticket:\w+|runway_page(_of)?:seconds|clock_skew:seconds|probe_overdue:seconds|lateness:seconds)$/;

/** Returns what a selector of this metric must have: for each label the matchers of which one is enough. */
function matchersOf(metric) {
  const [job, instance] = [['job=~"$job"'], ['instance=~"$instance"']];
  const provider = ['provider=~"$provider"', 'provider="$provider"'];
  if (SETTINGS.test(metric)) {
    return [];
  }
  if (metric.startsWith('ALERTS')) {
    // An alert about a daemon has no provider, and one about all of them has no instance.
    return [['job=~"$job|"'], ['instance=~"$instance|"'], ['provider=~"$provider|"', 'provider="$provider"']];
  }
  if (/^credwatch:\w+:(ratio|increase)/.test(metric)) {
    return [job, provider];
  }
  const about = metric.startsWith('credwatch_') && !OF_DAEMONS.includes(metric.slice('credwatch_'.length));
  return about ? [job, instance, provider] : [job, instance];
}

/** Returns the faults of a query: a syntax error, a selector that ignores a variable, or a fixed window of a rate. */
function faultsOf({ place, expr, instant }) {
  const text = substituted(expr);
  const faults = [];
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) {
        faults.push(`${place}: no PromQL at character ${node.from}: ${text.slice(node.from, node.from + 20)}`);
      }
      if (node.name === 'VectorSelector') {
        const selector = expr.slice(node.from, node.to);
        const metric = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(selector)?.[0] ?? '';
        for (const matchers of matchersOf(metric).filter((matchers) => !matchers.some((matcher) => selector.includes(matcher)))) {
          faults.push(`${place}: ${metric} is selected without ${matchers[0]}`);
        }
      }
      if (node.name === 'MatrixSelector') {
        const window = /\[(.*)\]$/.exec(expr.slice(node.from, node.to))?.[1] ?? '';
        const call = /(\w+)\($/.exec(expr.slice(0, node.from))?.[1] ?? '';
        const allowed = instant ? ['$__rate_interval', '$__range'] : ['$__rate_interval'];
        if (['rate', 'irate', 'increase'].includes(call) && !allowed.includes(window)) {
          faults.push(`${place}: ${call} over [${window}], not over [${allowed.join('] or [')}]`);
        }
      }
    },
  });
  return faults;
}

const files = process.argv.slice(2);
const dashboards = files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
const types = typed(dashboards.map(source));
const faults = {};
for (const [index, dashboard] of dashboards.entries()) {
  const all = queries(dashboard);
  faults[files[index]] = [...types[index], ...all.flatMap((query) => faultsOf(query))];
}
process.stdout.write(`${JSON.stringify(faults)}\n`);
