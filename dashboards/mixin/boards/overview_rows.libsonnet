// The lower rows of the overview. All but the first are closed, because nobody needs them at first sight.
local panels = import 'panels.libsonnet';
local parts = import 'parts.libsonnet';
local query = import 'query.libsonnet';
local texts = import 'texts.libsonnet';

function(config, q, p)
  local key = 'on (%s)' % query.key;
  local by(inner) = 'max by (%s) (%s)' % [query.key, inner];
  local percent(field, name) = [field, name, panels.unit('percentunit', 2) + [panels.width(105)]];
  local below0 = panels.thresholds([[null, 'text'], [-1e12, 'red'], [0, 'text']]);
  // The burn rates of the alerts in recording.yml.
  local burning(field, name, from, colour) = [field, name, panels.unit('none', 1) + [panels.thresholds([[null, 'text'], [from, colour]]), panels.ink, panels.width(105)]];

  // Without the name of the record, which would make a row of each. A provider of which only some numbers are known would be the
  // first row, so it has none.
  local known(expr) = 'max by (job, provider) (%s and on (job, provider) %s)' % [expr, q.slo('availability:ratio30d')];

  local availability = panels.table(
    'Availability, by what is left of the error budget (the 50 lowest)',
    'The share of probes that succeeded. The error budget is what the objective credwatch:slo_availability:objective leaves for failures in 30 days; a burn rate of 1 uses it up in 30 days. Orange and red burn rates are those of the alerts.',
    [
      panels.instant('bottomk(50, %s)' % p.availabilityBudget),
      panels.instant(known(q.sloAmong('availability:ratio1h'))),
      panels.instant(known(q.sloAmong('availability:ratio1d'))),
      panels.instant(known(q.sloAmong('availability:ratio30d'))),
      panels.instant(known(p.burn1h)),
      panels.instant(known(p.burn1d)),
      panels.instant(known(p.latencyBudget)),
    ],
    [
      parts.anyProvider(parts.toBoardOfAll),
      ['Value #A', 'Budget left', panels.unit('percentunit', 0) + [below0, panels.ink, panels.width(105)]],
      percent('Value #B', '1 hour'), percent('Value #C', '1 day'), percent('Value #D', '30 days'),
      burning('Value #E', 'Burn, 1 hour', 14.4, 'red'), burning('Value #F', 'Burn, 1 day', 3, 'orange'),
      ['Value #G', 'Latency budget left', panels.unit('percentunit', 0) + [below0, panels.ink, panels.width(155)]],
    ],
    ['Budget left'],
    { limit: 50, none: p.noRecords },
  );
  local five(expr, worst) = '%s and on (job, provider) %s' % [expr, worst];

  local runwayOfFailing = '(%s and %s %s == 0)' % [q.among(q.runway), key, q.p('credwatch_probe_success')];
  local rank = '(1e13 * %s + on (%s) (%s or on (%s) 5e11 * %s))' % [q.kind, query.key, q.tokens, query.key, q.chosen];

  local skew = 'quantile by (job, instance) (0.5, %s)' % q.among(q.p('credwatch_clock_skew_seconds'));
  local overdue = 'clamp_min(max by (job, instance) (time() - (%s and %s %s)), 0)' % [q.p('credwatch_probe_next_timestamp_seconds'), key, q.active];
  local beyond(what, name) = '%s > bool on () group_left () %s' % [what, query.setting(name)];

  [
    panels.row('Availability and error budget', [
      [availability, 14, 9],
      [panels.graph('Error budget left (lowest five)', 'What is left of the budget of 30 days. Below zero the objective is missed; the graph ends at -100 %.', [
        panels.range(five(p.floor(p.availabilityBudget), 'bottomk(5, %s)' % p.budgetAtEnd), '{{provider}}'),
      ], { unit: 'percentunit', max: 1, none: p.noRecords, links: parts.seriesToBoardOfAll }), 5, 9],
      [panels.graph('Burn rate, 1 hour (highest five)', 'How many times too fast the error budget of 30 days is used up. At 14.4 for an hour the fast alert fires.', [
        panels.range(five(p.burn1h, 'topk(5, %s)' % p.burnAtEnd), '{{provider}}'),
      ], { none: p.noRecords, links: parts.seriesToBoardOfAll, custom: { axisSoftMin: 0 } }), 5, 9],
    ], true),

    panels.row('What ends', [
      [panels.table(
        'Credentials by their end (the first 50)',
        'When a credential itself ends: as the provider reports or lists it, else as the credential itself says or secret_expires declares it; and our client certificates. “Alert” follows credential_warning and credential_critical of the provider, and credwatch:client_certificate_ticket:seconds.',
        [
          panels.instant('bottomk(50, (%s - time()) / 86400)' % q.ends),
          panels.instant('1000 * %s' % q.ends),
          panels.instant(q.endLevel),
        ],
        [parts.anyProvider(), ['credential', 'Credential'], parts.days('Value #A'), parts.nearness('Value #C'), parts.day('Value #B', 'Ends'), parts.seenBy()],
        ['Days left'],
        { limit: 50, none: 'No end is known.' },
      ), 12, 8],
      [panels.table(
        'Certificates of the endpoints by their end (the first 50)',
        'The earliest end of a certificate in the chain. The provider must renew it. “Alert” follows credwatch:certificate_ticket:seconds. “Not checked” means tls.insecure: an attacker in the network can read what credwatch sends.',
        [
          panels.instant('bottomk(50, max by (%s) (%s - time()) / 86400)' % [query.key, q.certificate]),
          panels.instant(by('1000 * ' + q.certificate)),
          panels.instant(by(q.among(q.p('credwatch_tls_insecure')))),
          panels.instant(by(q.certificateLevel)),
        ],
        [
          parts.anyProvider(), parts.days('Value #A'), parts.nearness('Value #D'), parts.day('Value #B', 'Ends'),
          parts.yesOr('Value #C', 'Checked', texts.words([[1, 'not checked', 'red']]) + texts.none('yes'), 105), parts.seenBy(),
        ],
        ['Days left'],
        { limit: 50, none: 'No end is known.' },
      ), 12, 8],
    ]),

    panels.row('Tokens', [
      [panels.graph('Runway of failing providers (the 20 shortest)', 'How long the last good token stays valid, for providers whose probes fail. Below zero their consumers have lost access. Below the dashed line the page fires.', [
        panels.range('bottomk(20, %s)' % runwayOfFailing, '{{provider}}'),
        panels.range('%s and on () %s' % [query.setting('runway_page:seconds'), runwayOfFailing], 'page'),
      ], { unit: 's', none: 'Nothing fails.', links: parts.seriesToBoard, legend: panels.legendTable, custom: { lineWidth: 2, axisSoftMin: 0 }, overrides: [panels.limit('page')] }), 12, 9],
      [panels.table(
        'Last good tokens (the 50 most urgent)',
        'While probes succeed, a token that ends soon is no problem: consumers get a new one. Some APIs return the same token until it ends, so its remaining time falls and jumps back.',
        [
          panels.instant('bottomk(50, %s)' % q.among(rank)),
          panels.instant(by(q.among(q.tokens))),
          panels.instant('max by (%s) (clamp_min(%s / (%s > 0), 0))' % [query.key, q.among(q.runway), q.p('credwatch_token_lifetime_seconds')]),
        ],
        [
          parts.state('Value #A', panels.ink, texts.rank), parts.anyProvider(),
          ['Value #B', 'Token ends in', panels.unit('s', 1) + [panels.mapped(texts.above(1e11, 'never') + texts.none('not known')), panels.width(125)]],
          ['Value #C', 'Of its lifetime', panels.unit('percentunit', 0) + [{ id: 'min', value: 0 }, { id: 'max', value: 1 }, { id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } }, panels.gauge, panels.width(150)]],
          parts.seenBy(),
        ],
        ['State'],
        { limit: 50, none: 'No provider is watched.' },
      ), 12, 9],
    ]),

    panels.row('Failures', [
      [panels.graph('Failed probes by who acts', 'The class of each failure: the owner of the credential, the operator of credwatch, the provider, or the network. The graph misses the first failure with a new code, because increase() needs two samples; the table next to it counts this failure.', [
        panels.range('sum by (class) (%s) > 0' % q.among('increase(%s[$__rate_interval])' % q.p('credwatch_probe_failures_total')), '{{class}}'),
      ], {
        unit: 'short', interval: '5m', none: 'No probe failed.', custom: panels.bars,
        overrides: [panels.line('credential', 'red'), panels.line('config', 'purple'), panels.line('provider', 'orange'), panels.line('network', 'blue')],
      }), 10, 8],
      [panels.table(
        'Failed probes in the shown time, by reason and code (the 100 most)',
        'The provider\'s own error codes. All failures with a code that first appeared in the shown time are counted.',
        [panels.instant('topk(100, sum by (provider, class, reason, code) (%s) > 0.5)' % q.among('(%s unless %s offset $__range or increase(%s[$__range]))' % [q.p('credwatch_probe_failures_total'), q.p('credwatch_probe_failures_total'), q.p('credwatch_probe_failures_total')]))],
        [
          parts.anyProvider(parts.toBoardOfAll), parts.reason, parts.code,
          ['Value', 'Failures', panels.unit('none', 0) + [panels.width(90)]], parts.actor,
        ],
        ['-Failures'],
        { none: 'No probe failed.', filterable: true },
      ), 14, 8],
    ]),

    panels.row('Latency', [
      [p.durations('Percentiles over all selected providers, over at least five minutes each; with several instances, the highest of them.'), 8, 8],
      [p.phases('The average of the phases of each provider\'s last probe. Blue phases are the network, orange phases are the provider.'), 8, 8],
      [panels.barGauge('Slowest providers', 'The ten providers with the highest 95th percentile over the shown time.', [
        panels.instant('sort_desc(topk(10, max by (provider) (histogram_quantile(0.95, sum by (job, instance, provider, le) (%s)) >= 0)))' % q.among('rate(%s[$__range])' % q.p('credwatch_probe_duration_seconds_bucket')), '{{provider}}'),
      ], { unit: 's', none: 'No probe was sent.', links: parts.seriesToBoardOfAll }), 8, 8],
    ]),

    panels.row('Next credentials and pauses', [
      [p.next, 24, 6],
      [panels.table('Paused providers (at most 50)', 'Providers that are switched off, or paused until a time or in a maintenance window. Rules and the other panels leave them out.', [
        panels.instant('bottomk(50, %s and %s %s)' % [q.paged(q.chosen), key, q.paused]),
      ], [
        parts.anyProvider(), parts.page, ['api_host', 'API', [panels.wide(150)]], ['owner', 'Owner'], [config.teamLabel, 'Team'], parts.vendor, parts.seenBy(),
      ], ['Provider'], { hidden: ['recipe', 'renew_url', 'Value'], none: 'No provider is paused.' }), 24, 5],
    ]),

    panels.row('credwatch itself', [
      [panels.table(
        'Instances',
        'For each credwatch: whether Prometheus scrapes it, whether it loaded its configuration and saved its state, and how far its clock is from the median of the providers\' clocks. With a wrong clock tokens look expired. “Wrong” and “overdue” follow credwatch:clock_skew:seconds and credwatch:probe_overdue:seconds.',
        [
          panels.instant('max by (job, instance) (%s and on (job, instance) last_over_time(%s[1d]))' % [q.d('up'), q.d('credwatch_build_info')]),
          panels.instant('max by (job, instance, version) (%s)' % q.d('credwatch_build_info')),
          panels.instant('max by (job, instance) (%s)' % q.d('credwatch_config_last_reload_successful')),
          panels.instant('max by (job, instance) (1000 * %s)' % q.d('credwatch_config_last_reload_success_timestamp_seconds')),
          panels.instant('max by (job, instance) (%s)' % q.d('credwatch_state_last_save_successful')),
          panels.instant('max by (job, instance) (1000 * (%s and on (job, instance) %s))' % [q.d('process_start_time_seconds'), q.d('credwatch_build_info')]),
          panels.instant('max by (job, instance) (%s and on (job, instance) %s)' % [q.d('process_resident_memory_bytes'), q.d('credwatch_build_info')]),
          panels.instant(skew),
          panels.instant(beyond('abs(%s)' % skew, 'clock_skew:seconds')),
          panels.instant(overdue),
          panels.instant(beyond(overdue, 'probe_overdue:seconds')),
        ],
        [
          ['instance', 'Instance', [panels.wide(140), panels.links([{ title: 'Page of this credwatch', url: '${scheme}://${__data.fields.instance}/', targetBlank: true }])]],
          parts.yesOr('Value #A', 'Scraped', texts.words([[0, 'no', 'red'], [1, 'yes', 'text']]), 80),
          ['version', 'Version', [panels.width(80)]],
          parts.yesOr('Value #C', 'Configuration', texts.words([[0, 'rejected', 'red'], [1, 'loaded', 'text']]), 115),
          parts.time('Value #D', 'Read at'),
          parts.yesOr('Value #E', 'State', texts.words([[0, 'not saved', 'red'], [1, 'saved', 'text']]), 90),
          parts.time('Value #F', 'Running since'),
          ['Value #G', 'Memory', panels.unit('bytes', 0) + [panels.width(100)]],
          parts.yesOr('Value #I', 'Clock', texts.words([[0, 'right', 'text'], [1, 'wrong', 'red']]), 75),
          ['Value #H', 'Clock off by', panels.unit('s', 0) + [panels.width(110)]],
          parts.yesOr('Value #K', 'Probes', texts.words([[0, 'on time', 'text'], [1, 'overdue', 'red']]), 85),
          ['Value #J', 'Most overdue probe', panels.unit('s', 0) + [panels.width(150)]],
        ],
        ['Scraped'],
        { hidden: ['Value #B'], none: 'no credwatch is scraped' },
      ), 24, 5],
      [panels.graph('How late probes start', 'The 90th percentile of the delay with which probes start. It grows when too few probes may run at the same time (limits.probes_in_flight) or the CPU is too busy. Above the dashed line the alert fires.', [
        panels.range('histogram_quantile(0.9, sum by (instance, le) (rate(%s[$__rate_interval]))) >= 0' % q.d('credwatch_scheduler_lateness_seconds_bucket'), '{{instance}}'),
        panels.range(query.setting('lateness:seconds'), 'alert'),
      ], { unit: 's', interval: '5m', none: 'no credwatch is scraped', overrides: [panels.limit('alert')] }), 8, 7],
      [panels.graph('Probes in flight', 'Probes that run at the same time.', [
        panels.range(q.d('credwatch_probes_in_flight'), '{{instance}}'),
      ], { none: 'no credwatch is scraped' }), 8, 7],
      [panels.graph('Requests', 'Each probe is one request at the provider. The number includes probes of next credentials.', [
        panels.range('sum by (instance) (%s)' % q.among('rate(%s[$__rate_interval])' % q.p('credwatch_probes_total')), '{{instance}}'),
        panels.range('sum by (instance) (%s)' % q.among('rate(%s[$__rate_interval])' % q.p('credwatch_next_credential_probes_total')), '{{instance}}, next credential'),
      ], { unit: 'reqps', interval: '5m', none: 'no credwatch is scraped' }), 8, 7],
    ]),
  ]
