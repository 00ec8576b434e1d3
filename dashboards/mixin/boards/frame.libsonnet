// Everything of a board but its panels: variables, annotations, links.
local source = (import 'panels.libsonnet').source;

{
  local variable(name, label, description, more) = { name: name, label: label, description: description } + more,

  datasource:: variable('datasource', 'Data source', 'The Prometheus that scrapes credwatch.', {
    type: 'datasource', query: 'prometheus', regex: '', refresh: 1, hide: 0, multi: false, includeAll: false,
  }),
  // `all` is the pattern for the choice "All"; a label that not all providers have needs one that matches nothing too.
  values(name, label, description, query, all='.+'):: variable(name, label, description, {
    type: 'query', datasource: source, query: { qryType: 1, query: query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    refresh: 2, sort: 5, regex: '', hide: 0, multi: true, includeAll: true, allValue: all, current: { text: ['All'], value: ['$__all'] },
  }),
  one(variable):: {
    [name]: variable[name]
    for name in std.objectFields(variable)
    if name != 'allValue' && name != 'current'
  } + { multi: false, includeAll: false },
  constant(name, label, description, value):: variable(name, label, description, {
    type: 'constant', query: value, current: { text: value, value: value }, hide: 2, skipUrlSync: true,
  }),

  job:: self.values('job', 'Job', 'The scrape job.', 'label_values(credwatch_build_info, job)'),
  instance:: self.values('instance', 'Instance', 'The instance of credwatch.', 'label_values(credwatch_build_info{job=~"$job"}, instance)'),
  constants(config):: [
    self.constant('runbook', 'Documents', 'Where the documents of credwatch are; the boards link to runbooks.md below it.', config.docsUrl),
    self.constant('scheme', 'Scheme', 'The scheme of the page of a credwatch without --web.external-url: http or https.', config.scheme),
  ],

  local annotation(name, colour, expr, title, text, tags) = {
    name: name, datasource: source, enable: true, hide: false, iconColor: colour,
    target: { refId: 'Anno', expr: expr, interval: '1m' },
    titleFormat: title, textFormat: text, tagKeys: tags, useValueForTime: false,
  },
  annotations(q):: [
    {
      builtIn: 1, name: 'Annotations & Alerts', type: 'dashboard', datasource: { type: 'grafana', uid: '-- Grafana --' },
      enable: true, hide: true, iconColor: 'rgba(0, 211, 255, 1)',
    },
    annotation(
      'Broken', 'red',
      '%s and on (job, instance, provider) (changes(%s[2m]) > 0 and on (job, instance, provider) %s)'
      % [q.among(q.p('credwatch_provider_failure_info')), q.p('credwatch_provider_state', 'state="broken"'), q.state('broken')],
      '{{provider}} broken: {{reason}} {{code}}', 'Seen by {{instance}}. Confirmed: a second try failed as well.', 'class,provider'
    ),
    annotation(
      'Works again', 'green',
      '%s and on (job, instance, provider) %s'
      % [q.among('changes(%s[2m]) > 0' % q.p('credwatch_provider_state', 'state="broken"')), q.state('healthy')],
      '{{provider}} works again', 'Seen by {{instance}}.', 'provider'
    ),
    annotation(
      'Configuration', 'blue',
      'changes(%s[2m]) > 0' % q.d('credwatch_config_last_reload_success_timestamp_seconds'),
      'credwatch took a configuration', '{{instance}} has read a changed configuration, or was restarted.', 'instance'
    ),
  ],

  board(uid, title, description, config, q, variables, panels):: {
    uid: uid,
    title: title,
    description: description,
    tags: config.dashboardTags,
    editable: true,
    schemaVersion: 39,
    version: 1,
    graphTooltip: 1,
    refresh: config.dashboardRefresh,
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    weekStart: '',
    fiscalYearStartMonth: 0,
    liveNow: false,
    links: [
      {
        type: 'dashboards', title: 'credwatch', tags: config.dashboardTags, asDropdown: false, includeVars: true, keepTime: true,
        targetBlank: false, icon: 'external link', tooltip: 'The other boards of credwatch', url: '',
      },
      {
        type: 'link', title: 'Runbooks', tags: [], asDropdown: false, includeVars: false, keepTime: false,
        targetBlank: true, icon: 'doc', tooltip: 'What to do about each alert and each reason', url: '${runbook}/runbooks.md',
      },
    ],
    annotations: { list: $.annotations(q) },
    templating: { list: variables },
    panels: panels,
  },
}
