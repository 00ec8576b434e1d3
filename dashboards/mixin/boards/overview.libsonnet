// The first board: what does not work now, who acts, and how long consumers are fine.
local frame = import 'frame.libsonnet';
local layout = import 'layout.libsonnet';
local panels = import 'panels.libsonnet';
local parts = import 'parts.libsonnet';
local query = import 'query.libsonnet';
local rows = import 'overview_rows.libsonnet';
local texts = import 'texts.libsonnet';

function(config)
  local q = query.of('provider=~"$provider"', '%s=~"$team",owner=~"$owner",api_host=~"$api_host"' % config.teamLabel) {
    alertMatchers: 'job=~"$job|",instance=~"$instance|",provider=~"$provider|",%s=~"$team",owner=~"$owner",api_host=~"$api_host"' % config.teamLabel,
    alertFilter: '',
  };
  local key = 'on (%s)' % query.key;

  // How many, in a large number.
  local count(title, description, expr, colour, solid=false) = panels.stat(title, description, [panels.instant(expr)], {
    steps: [[null, if solid then 'green' else 'text'], [1, colour]],
    colour: if solid then 'background_solid' else 'value',
    none: 'no credwatch is scraped, or none has such a provider',
  });

  local outage = 'network|provider';
  local hosted(matchers) = '(%s unless %s %s)' % [
    '(%s or label_replace(%s, "api_host", "$1", "provider", "(.+)"))'
    % [q.p('credwatch_provider_info', matchers + ',api_host!=""'), q.p('credwatch_provider_info', matchers + ',api_host=""')], key, q.paused,
  ];
  local hosts = hosted('%s=~"$team",owner=~"$owner",api_host=~"$api_host"' % config.teamLabel);
  local byHost = 'job, instance, api_host';

  local threatened = q.failingRunway(q.failing('credential|network|provider'));
  local first = panels.stat(
    'Next consumers fail in',
    'The shortest runway: how long the last good token stays valid, among the credentials that are refused or cannot be reached. Negative after its end. Red below the threshold of the page, credwatch:runway_page:seconds. Empty while all probes succeed, because consumers get new tokens then.',
    [
      panels.instant('bottomk(1, %s)' % q.short(threatened), '{{provider}}'),
      panels.instant('bottomk(1, %s) unless on () %s' % [threatened, q.short(threatened)], '{{provider}}'),
    ],
    { unit: 's', decimals: 1, text: 'value_and_name', wide: false, none: 'no token runs out', overrides: [panels.coloured('A', 'red'), panels.coloured('B', 'yellow')] },
  );

  local numbers = [
    [count('Refused: owner acts', 'Credentials that the provider refuses, confirmed by a second try. The table below names them. No number means that Prometheus scrapes no credwatch.', q.number(q.broken('credential')), 'red', true), 4, 4],
    [count('Cannot be tried here: operator acts', 'credwatch cannot read the secret, or this host is at fault. Consumers are not affected.', q.number(q.broken('config')), 'purple', true), 6, 4],
    [panels.stat(
      'Cannot be reached: vendor or network',
      'Credentials whose API cannot be reached or answers wrongly, confirmed by a second try, and the number of these APIs. The credentials are most likely fine.',
      [
        panels.instant(q.number(q.broken('network|provider')), 'credentials'),
        panels.instant('count(count by (api_host) (%s and %s %s)) or on () 0 * count(%s)' % [hosts, key, q.broken('network|provider'), q.chosen], 'APIs'),
      ],
      { steps: [[null, 'green'], [1, 'orange']], colour: 'background_solid', text: 'value_and_name', none: 'no credwatch is scraped, or none has such a provider' },
    ), 7, 4],
    [first, 7, 4],
    [count('Failing, not yet confirmed', 'The last probe failed. The next probes confirm the failure or end it.', q.number('%s and %s %s' % [q.state('failing'), key, q.active]), 'orange'), 4, 3],
    [count('Next credential refused', 'Credentials in credentials_next that do not work. Do not switch to them. The row “Next credentials and pauses” names them.', q.number('(%s == 1) and %s %s' % [q.p('credwatch_next_credential_state', 'state="broken"'), key, q.active]), 'orange'), 4, 3],
    [count('Ends soon', 'Credentials and certificates so near their end that a ticket or a page fires. The row “What ends” names them.', q.number('%s and %s %s' % [q.endsSoon, key, q.active]), 'orange'), 4, 3],
    [count('No result yet', 'No probe has ended since credwatch started.', q.number('%s and %s %s' % [q.state('unknown'), key, q.active]), 'text'), 3, 3],
    [count('Paused', 'Switched off, until a time or in a maintenance window. Paused providers are in no other number. The row “Next credentials and pauses” names them.', q.number(q.among(q.paused)), 'blue'), 3, 3],
    [count('Healthy', 'The last probe succeeded.', q.number('%s and %s %s' % [q.state('healthy'), key, q.active]), 'text'), 3, 3],
    [panels.stat('credwatch down', 'Instances of credwatch that Prometheus scraped within the last day and cannot scrape now.', [
      panels.instant('sum((1 - %s) and on (job, instance) last_over_time(%s[1d]))' % [q.d('up'), q.d('credwatch_build_info')]),
    ], { steps: [[null, 'text'], [1, 'red']], none: 'no credwatch is scraped' }), 3, 3],
  ];

  // The state is shown from the rank, so one column sorts by both.
  local class = 'credential|config';
  local ranked(info, class) = '%s * %s group_left (class, reason, code, message) %s * %s group_left () %s' % [q.paged(info), key, q.failure(class), key, q.rank(class)];
  local step(query) = 'label_replace(%s, "step", "$1", "reason", "(.+)")' % query;
  local wrong = panels.table(
    'Credentials that do not work (the 100 most urgent)',
    'Credentials that the provider refuses, or that credwatch cannot try on this host; the most urgent first. “Consumers fail in” is how long the last good token stays valid. “In its words” is the sentence of the provider, else of credwatch.',
    [
      panels.instant('bottomk(100, %s)' % step(ranked(q.active, class))),
      panels.instant('max by (%s) (%s)' % [query.key, q.runwayOf(class, q.failing(class))]),
      panels.instant('max by (%s) (1000 * %s and %s %s)' % [query.key, q.p('credwatch_probe_last_success_timestamp_seconds'), key, q.failing(class)]),
    ],
    [
      parts.state('Value #A', panels.cell, texts.rank), parts.provider(), parts.page, parts.failsIn('Value #B'),
      parts.message, parts.step, ['owner', 'Owner', [panels.width(90)]], [config.teamLabel, 'Team', [panels.width(100)]],
      parts.reason, parts.code, parts.renew, parts.vendor,
      parts.time('Value #C', 'Last success', 'no success yet', 120), parts.actor, parts.seenBy(),
    ],
    ['State'],
    { limit: 100, height: 'lg', hidden: ['recipe', 'api_host'], none: 'No credential is refused, and all can be tried.' },
  );

  // One row for each API, with the credential whose tokens end first.
  local apis = panels.table(
    'APIs that do not work (the 50 most urgent)',
    'One row for each API that cannot be reached or answers wrongly, however many credentials use it. The row shows the credential whose tokens end first.',
    [
      panels.instant('bottomk(50, bottomk by (%s) (1, %s))' % [byHost, step(ranked(hosts, outage))]),
      panels.instant('min by (%s) (%s * %s group_left () %s)' % [byHost, hosts, key, q.runwayOf(outage, q.failure(outage))]),
      panels.instant('count by (%s) (%s and %s %s)' % [byHost, hosts, key, q.failure(outage)]),
      panels.instant('count by (%s) (%s) and on (%s) (%s and %s %s)' % [byHost, hosts, byHost, hosts, key, q.failure(outage)]),
      panels.instant('1000 * max by (%s) (%s * %s group_left () (%s and %s %s))' % [byHost, hosts, key, q.p('credwatch_probe_last_success_timestamp_seconds'), key, q.failure(outage)]),
    ],
    [
      parts.state('Value #A', panels.cell, texts.rank),
      ['api_host', 'API', [panels.width(170), panels.links([{
        title: 'Show only this API',
        url: '/d/credwatch-overview?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&var-api_host=${__data.fields.api_host:percentencode}&${__url_time_range}',
        targetBlank: false,
      }])]],
      ['Value #C', 'Failing', panels.unit('none', 0) + [panels.width(70)]],
      ['Value #D', 'Of', panels.unit('none', 0) + [panels.width(50)]],
      parts.failsIn('Value #B'),
      parts.provider(), parts.page, parts.message, parts.stepOfApi, parts.reason, parts.code, parts.vendor,
      ['owner', 'Owner', [panels.width(90)]], [config.teamLabel, 'Team', [panels.width(100)]],
      parts.time('Value #E', 'Last success', 'no success yet', 120), parts.actor, parts.seenBy(),
    ],
    ['State'],
    { limit: 50, height: 'lg', hidden: ['recipe', 'renew_url'], none: 'All APIs work.' },
  );

  local state(word) = q.p('credwatch_provider_state', 'state=~"%s"' % word);
  local history = panels.timeline(
    'What failed in the shown time, and when (the 25 that failed longest)',
    'Only providers that were failing or broken at some time in the shown range.',
    [panels.range('%s and %s topk(25, sum by (%s) (%s) > 0)' % [q.kind, key, query.key, q.among('avg_over_time(%s[$__range] @ end())' % state('failing|broken'))], '{{provider}}')],
    { mappings: texts.state, none: 'Nothing failed.', links: parts.seriesToBoard, interval: '30s' },
  );

  local p = parts.of(q);
  local variables = [
    frame.datasource,
    frame.job,
    frame.instance,
    frame.values('team', 'Team', 'The label %s of providers.' % config.teamLabel, 'label_values(credwatch_provider_info{job=~"$job",instance=~"$instance"}, %s)' % config.teamLabel, '.*'),
    frame.values('owner', 'Owner', 'Who renews the credential: `owner` in the configuration.', 'label_values(credwatch_provider_info{job=~"$job",instance=~"$instance"}, owner)', '.*'),
    frame.values('api_host', 'API', 'The host of the token request.', 'label_values(credwatch_provider_info{job=~"$job",instance=~"$instance"}, api_host)', '.*'),
    frame.values('provider', 'Provider', 'The name of the provider in the configuration.', 'label_values(credwatch_provider_info{job=~"$job",instance=~"$instance",%s=~"$team",owner=~"$owner",api_host=~"$api_host"}, provider)' % config.teamLabel),
  ] + frame.constants(config);

  frame.board(
    'credwatch-overview',
    'credwatch: overview',
    'Which credentials do not work now, who acts, how long consumers are fine, and what to do. Availability, what ends soon, and the health of credwatch itself.',
    config, q, variables,
    layout.place(
      numbers + [[wrong, 24, 9], [apis, 24, 7], [history, 24, 7]],
      [panels.row('Alerts', [[p.firing, 14, 8], [p.alertList, 10, 8]], true)] + rows(config, q, p),
    ),
  )
