// Columns and panels that both boards have. `of(q)` takes the parts of queries of one board.
local panels = import 'panels.libsonnet';
local query = import 'query.libsonnet';
local texts = import 'texts.libsonnet';

{
  local board(instance, provider) = [{
    title: 'Open the board of this provider',
    url: '/d/credwatch-provider?${datasource:queryparam}&${job:queryparam}&%s&var-provider=%s&${__url_time_range}' % [instance, provider],
    targetBlank: false,
  }],
  local one(name) = 'var-instance=%s' % name,

  // Links to the board of a provider: from a row with and without an instance, and from a series.
  toBoard:: board(one('${__data.fields.instance:percentencode}'), '${__data.fields.provider:percentencode}'),
  toBoardOfAll:: board('${instance:queryparam}', '${__data.fields.provider:percentencode}'),
  seriesToBoard:: board(one('${__field.labels.instance:percentencode}'), '${__field.labels.provider:percentencode}'),
  seriesToBoardOfAll:: board('${instance:queryparam}', '${__field.labels.provider:percentencode}'),
  toRunbook:: [{ title: 'Open the runbook', url: '${runbook}/runbooks.md#${__data.fields.reason}', targetBlank: true }],

  // Columns: [field, name, properties].
  provider(width=150, links=self.toBoard):: ['provider', 'Provider', [panels.width(width), panels.links(links)]],
  anyProvider(links=self.toBoard):: ['provider', 'Provider', [panels.wide(150), panels.links(links)]],
  state(field, cell=panels.cell, mappings=texts.state):: [field, 'State', [panels.mapped(mappings), cell, panels.width(160), panels.left]],
  reason:: ['reason', 'Reason', [panels.width(110), panels.links($.toRunbook)]],
  meaning:: ['reason', 'What is wrong', [panels.mapped(texts.meaning), panels.wrap, panels.wide(330), panels.links($.toRunbook)]],
  // The longest sentence must fit into two lines.
  step:: ['step', 'Next step', [panels.mapped(texts.step), panels.wrap, panels.width(480)]],
  stepOfApi:: ['step', 'Next step', [panels.mapped(texts.step), panels.wrap, panels.width(300)]],
  message:: ['message', 'In its words', [panels.wrap, panels.wide(200)]],
  code:: ['code', 'Code', [panels.width(115)]],
  actor:: ['class', 'Who acts', [panels.mapped(texts.actor), panels.width(175)]],
  time(field, name, none=null, width=135):: [field, name, panels.unit('dateTimeAsIsoNoDateIfToday') + [panels.width(width)] + (if none == null then [] else [panels.mapped(texts.none(none))])],
  day(field, name):: [field, name, panels.unit('dateTimeAsIso') + [panels.width(170)]],
  tokens(field, name='Tokens'):: [field, name, [
    panels.mapped(texts.words([[3, 'have ended', 'red'], [2, 'end soon', 'red'], [1, 'valid', 'yellow'], [0, 'never end', 'green'], [-1, 'not known', 'text']])),
    panels.ink, panels.width(95), panels.left,
  ]],
  failsIn(field):: [field, 'Consumers fail in', panels.unit('s', 1) + [
    panels.thresholds([[null, 'text'], [-1e12, 'red'], [0, 'text']]), panels.ink, panels.width(140),
    panels.mapped(texts.above(9e11, 'never') + texts.between(4e11, 6e11, 'not known')),
  ]],
  link(field, name, text, url):: [field, name, [
    panels.mapped(texts.any(text)), panels.width(62), panels.links([{ title: name, url: url, targetBlank: true }]),
  ]],
  page:: self.link('url', 'Page', 'open', '${__data.fields.url}providers/${__data.fields.provider:percentencode}'),
  vendor:: self.link('vendor_url', 'Vendor', 'open', '${__value.raw}'),
  renew:: self.link('renew_url', 'Renew', 'open', '${__value.raw}'),
  seenBy(name='Seen by'):: ['instance', name, [panels.width(145)]],
  yesOr(field, name, texts, width=110):: [field, name, [panels.mapped(texts), panels.ink, panels.width(width), panels.left]],
  // How near an end is, from thresholds that are series: 3 has ended, 2 pages, 1 makes a ticket.
  nearness(field, rows=[[3, 'ended', 'red'], [2, 'page', 'red'], [1, 'ticket', 'orange'], [0, '', 'text']]):: [field, 'Alert', [
    panels.mapped(texts.words(rows)), panels.ink, panels.width(80), panels.left,
  ]],
  days(field, name='Days left'):: [field, name, panels.unit('none', 0) + [panels.width(100)]],

  of(q, single=false):: {
    local key = query.key,
    local by(inner) = 'max by (%s) (%s)' % [key, inner],

    // The firing alerts. Alerts without some of the labels are shown too.
    local alerts = 'ALERTS{alertname=~"Credwatch.+",alertstate="firing",%s}' % q.alertMatchers,
    local since = 'ALERTS_FOR_STATE{alertname=~"Credwatch.+",%s}' % q.alertMatchers,
    local withPath = 'label_replace(%s * on (job, instance) group_left (url) %s, "path", "providers/", "provider", ".+")' % [alerts, q.d('credwatch_external_url_info')],
    firing:: panels.table(
      'Firing alerts',
      'The alerts that fire now, as Prometheus evaluates them; the text of each is in the list beside this table. Page wakes somebody, ticket can wait for the morning. Empty also if Prometheus has not loaded alerts.yml.',
      [
        panels.instant('topk(50, label_join(%s, "url", "", "url", "path") or ignoring (url, path) %s)' % [withPath, alerts]),
        panels.instant('1000 * %s and ignoring (alertstate) %s' % [since, alerts]),
      ],
      [
        ['severity', 'Severity', [panels.mapped(texts.words([['page', 'page', 'red'], ['ticket', 'ticket', 'orange']])), panels.cell, panels.width(75)]],
        ['alertname', 'Alert', [panels.wide(250)]],
      ] + (if single then [] else [$.provider(150)]) + [
        ['api_host', 'API', [panels.wide(150)]],
        $.time('Value #B', 'Since'),
        $.link('url', 'Page', 'open', '${__data.fields.url}${__data.fields.provider:percentencode}'),
        ['team', 'Team'], ['owner', 'Owner'],
      ],
      ['Severity', '-Since'],
      { hidden: ['alertstate', 'path', 'recipe', 'class', 'reason', 'code', 'vendor_url', 'renew_url', 'Value #A'] + (if single then ['provider'] else []), none: 'No alert fires.' }
    ),
    alertList:: panels.alertList('What the alerts say', 'The list of Grafana: the text of each firing alert with its links. It needs a data source with "Manage alerts via Alerting UI", which is the default of Prometheus.', q.alertFilter),

    // Availability.
    local objective = query.setting('slo_availability:objective'),
    local slow = query.setting('slo_latency:objective'),
    // The budgets are far below zero when an API is down for days, so a graph cuts them there.
    floor(budget):: 'clamp_min(%s, -1)' % budget,
    budget(record, objective, at=''):: '1 - (1 - %s) / on () group_left () (1 - %s)' % [q.sloAmong(record, at), objective],
    burn(record, objective, at=''):: '(1 - %s) / on () group_left () (1 - %s)' % [q.sloAmong(record, at), objective],
    availabilityBudget:: self.budget('availability:ratio30d', objective),
    latencyBudget:: self.budget('latency:ratio30d', slow),
    budgetAtEnd:: self.budget('availability:ratio30d', objective, ' @ end()'),
    burnAtEnd:: self.burn('availability:ratio1h', objective, ' @ end()'),
    burn1h:: self.burn('availability:ratio1h', objective),
    burn1d:: self.burn('availability:ratio1d', objective),
    latencyBurn1h:: self.burn('latency:ratio1h', slow),
    availabilityObjective:: objective,
    noRecords:: 'recording.yml is not loaded, or has no data yet',

    // Graphs of durations.
    local bucket(quantile) = 'max(histogram_quantile(%s, sum by (job, instance, le) (%s)) >= 0)'
                             % [quantile, q.among('rate(%s[$__rate_interval])' % q.p('credwatch_probe_duration_seconds_bucket'))],
    durations(description):: panels.graph('Duration of requests', description, [
      panels.range(bucket('0.5'), 'p50'),
      panels.range(bucket('0.95'), 'p95'),
      panels.range(bucket('0.99'), 'p99'),
    ], {
      unit: 's', interval: '5m', none: 'No probe was sent.', custom: { lineWidth: 2, axisSoftMin: 0 },
      overrides: [panels.line('p50', 'light-blue'), panels.line('p95', 'blue'), panels.line('p99', 'dark-blue')],
    }),
    phases(description):: panels.graph('Where the time goes', description, [
      panels.range('avg by (phase) (%s)' % q.among(q.p('credwatch_probe_phase_duration_seconds')), '{{phase}}'),
    ], {
      unit: 's', none: 'No probe was sent.', custom: panels.areas,
      overrides: [
        panels.line('resolve', 'super-light-blue'), panels.line('connect', 'light-blue'), panels.line('tls', 'blue'),
        panels.line('processing', 'orange'), panels.line('transfer', 'light-orange'),
      ],
    }),

    next:: panels.table(
      'Next credentials',
      'The credentials in credentials_next: credwatch tests a new secret before consumers use it. Switch when this table says ready, not before.',
      [
        panels.instant('bottomk(50, %s)' % q.among(q.nextKind)),
        panels.instant('label_replace(max by (%s, reason, code) (%s), "step", "$1", "reason", "(.+)")' % [key, q.among(q.p('credwatch_next_credential_failure_info'))]),
        panels.instant(by(q.among(q.p('credwatch_next_credential_probe_success')))),
        panels.instant(by('1000 * ' + q.among(q.p('credwatch_next_credential_last_success_timestamp_seconds')))),
        panels.instant(by(q.among(q.p('credwatch_next_credential_probes_total')))),
      ],
      [
        $.state('Value #A'),
      ] + (if single then [] else [$.provider(170)]) + [
        $.yesOr('Value #C', 'Ready to switch', texts.words([[0, 'no', 'orange'], [1, 'ready', 'green']]), 125),
        $.reason, $.code, $.step,
        $.time('Value #D', 'Last success', 'none yet'),
        ['Value #E', 'Probes', panels.unit('none', 0) + [panels.width(80)]],
        $.seenBy(),
      ],
      ['State'],
      { limit: 50, height: 'lg', hidden: ['Value #B'] + (if single then ['provider'] else []), none: 'No provider has credentials_next.' }
    ),
  },
}
