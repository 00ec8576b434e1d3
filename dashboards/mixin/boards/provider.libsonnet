// The second board: everything about one provider.
local frame = import 'frame.libsonnet';
local layout = import 'layout.libsonnet';
local panels = import 'panels.libsonnet';
local parts = import 'parts.libsonnet';
local query = import 'query.libsonnet';
local texts = import 'texts.libsonnet';

function(config)
  local q = query.of('provider="$provider"') {
    alertMatchers: 'job=~"$job|",instance=~"$instance|",provider="$provider"',
    alertFilter: '{provider="$provider"}',
  };
  local p = parts.of(q, true);
  local key = 'on (%s)' % query.key;
  local by(inner) = 'max by (%s) (%s)' % [query.key, inner];
  local anything = '(%s)' % q.p('credwatch_provider_failure_info');
  local red(letter) = panels.coloured(letter, 'red');

  // A number whose colour follows a threshold that is itself a series: red, orange, and the normal colour.
  local number(title, description, queries, options) = panels.stat(title, description, [panels.instant(one) for one in queries], options);

  local runway = 'min(%s)' % q.failingRunway(anything);
  local shortRunway = 'min(%s)' % q.short(q.failingRunway(anything));
  local days(what) = '(%s - time()) / 86400' % what;
  local firstEnd = 'min(%s)' % q.firstEnd;
  local certificate = 'min(%s)' % q.certificate;
  local worst(level) = 'max(%s)' % level;
  local split(what, level, limits) = ['%s and on () %s %s' % [what, worst(level), limit] for limit in limits];

  local failure = 'label_replace(%s * %s group_left (class, reason, code, message) %s, "step", "$1", "reason", "(.+)")' % [q.paged(q.chosen), key, anything];
  local foreign = ['recipe', 'provider'];
  local wrong = panels.table(
    'What is wrong with $provider',
    'The sentence of the provider, else of credwatch, and the next step. The page of credwatch shows how the answer was read.',
    [panels.instant(failure), panels.instant(q.tokenLevel(anything))],
    [parts.tokens('Value #B'), parts.message, parts.step],
    ['Tokens'],
    { height: 'lg', hidden: foreign + ['Value #A', 'reason', 'code', 'class', 'api_host', 'instance', 'url', 'renew_url', 'vendor_url', 'owner', config.teamLabel], none: 'Nothing is wrong.' },
  );
  local meaning = panels.table(
    'What the reason means',
    'The meaning of the reason, with a link to its runbook.',
    [panels.instant('max by (reason, instance) (%s)' % anything)],
    [parts.meaning, parts.seenBy()],
    ['Seen by'],
    { hidden: ['Value'], none: 'Nothing is wrong.' },
  );
  local who = panels.table(
    'Who acts, and where to go on',
    'Whom to call, and where to go on: the page of the provider in credwatch, where the credential is renewed, and a page of the vendor.',
    [panels.instant('%s or %s %s' % [failure, key, q.paged(q.chosen)])],
    [
      parts.actor, ['owner', 'Owner'], [config.teamLabel, 'Team'], parts.page, parts.renew, parts.vendor,
      parts.code, ['api_host', 'API', [panels.wide(150)]], parts.seenBy(),
    ],
    ['Seen by'],
    { hidden: foreign + ['Value', 'message', 'reason', 'step'], none: 'Not watched.' },
  );

  local numbers = [
    [number('Consumers fail in', 'The runway: how long the last good token stays valid while probes fail. Negative after its end. Red below the threshold of the page, credwatch:runway_page:seconds.', [
      shortRunway, '%s unless on () %s' % [runway, shortRunway],
    ], { unit: 's', decimals: 1, none: 'probes succeed', overrides: [red('A'), panels.coloured('B', 'yellow')] }), 3, 4],
    [number('Last success at', 'When the last successful probe began.', ['max(1000 * %s)' % q.p('credwatch_probe_last_success_timestamp_seconds')], { unit: 'dateTimeAsIsoNoDateIfToday', none: 'none yet' }), 3, 4],
    [number('Failures in a row', 'Failed probes since the last success.', ['max(%s)' % q.p('credwatch_probe_consecutive_failures')], { steps: [[null, 'text'], [1, 'orange']], none: 'not watched' }), 3, 4],
    [number('Next probe in', 'When the next probe is due. For a refused credential credwatch backs off, up to max_backoff. A paused provider has no next probe.', ['min(clamp_min(%s - time(), 0)) unless on () %s' % [q.p('credwatch_probe_next_timestamp_seconds'), q.paused]], { unit: 's', decimals: 0, none: 'not known' }), 3, 4],
    [number('Credential ends in', 'As the provider reports it, else as the credential itself says or secret_expires declares it, or the end of our client certificate, whichever is first. Orange when the ticket fires, red when the page fires.', split(days(firstEnd), q.endLevel, ['>= 2', '== 1', '== 0']), { unit: 'suffix: days', decimals: 0, none: 'not known', overrides: [red('A'), panels.coloured('B', 'orange')] }), 3, 4],
    [number('Certificate ends in', 'The earliest end of a certificate in the chain of the endpoint. Red when the ticket fires, credwatch:certificate_ticket:seconds before the end.', split(days(certificate), q.certificateLevel, ['>= 1', '== 0']), { unit: 'suffix: days', decimals: 0, none: 'no TLS', overrides: [red('A')] }), 3, 4],
    [number('Availability, 30 days', 'The share of probes that succeeded. Red below the objective, credwatch:slo_availability:objective.', [
      'min(%s) < on () %s' % [q.slo('availability:ratio30d'), p.availabilityObjective],
      'min(%s) >= on () %s' % [q.slo('availability:ratio30d'), p.availabilityObjective],
    ], { unit: 'percentunit', decimals: 2, none: 'recording.yml is not loaded', overrides: [red('A')] }), 3, 4],
    [number('Error budget left', 'Of the budget of 30 days. Below zero the objective is missed.', ['min(%s) < 0' % p.availabilityBudget, 'min(%s) >= 0' % p.availabilityBudget], { unit: 'percentunit', decimals: 0, overrides: [red('A')], none: 'recording.yml is not loaded' }), 3, 4],
  ];

  local state = panels.stat('$provider', 'Refused and the like mean confirmed: a second try failed as well. With several instances, the most urgent state.', [
    panels.instant('min(%s)' % q.kind),
  ], { mappings: texts.state, colour: 'background_solid', none: 'not watched' });

  local history = panels.timeline('State of $provider', 'The current credential, and the next credential if there is one.', [
    panels.range('min by (instance) (%s)' % q.kind, '{{instance}}'),
    panels.range('min by (instance) (%s)' % q.nextKind, '{{instance}}, next credential'),
  ], { mappings: texts.state, none: 'Not watched.' });

  local ratio(record, legend) = panels.range(q.slo(record), legend);
  local availability = panels.row('Availability and error budget', [
    [panels.graph('Availability', 'The share of probes that succeeded within an hour, a day and 30 days before each moment, and the objective.', [
      ratio('availability:ratio1h', '1 hour'), ratio('availability:ratio1d', '1 day'), ratio('availability:ratio30d', '30 days'),
      panels.range(p.availabilityObjective, 'objective'),
    ], { unit: 'percentunit', max: 1, none: p.noRecords, overrides: [panels.line('1 hour', 'light-blue'), panels.line('1 day', 'blue'), panels.line('30 days', 'dark-blue'), panels.limit('objective')] }), 8, 8],
    [panels.graph('Error budget left', 'What is left of the budgets of 30 days, for failed probes and for requests above one second. Below zero the objective is missed; the graph ends at -100 %.', [
      panels.range(p.floor(p.availabilityBudget), 'failed probes'), panels.range(p.floor(p.latencyBudget), 'slow answers'),
    ], { unit: 'percentunit', max: 1, none: p.noRecords, overrides: [panels.line('failed probes', 'orange'), panels.line('slow answers', 'blue')] }), 8, 8],
    [panels.graph('Burn rate', 'How many times too fast the error budget is used up. At 14.4 for an hour or 3 for a day an alert fires.', [
      panels.range(p.burn1h, '1 hour'), panels.range(p.burn1d, '1 day'), panels.range(p.latencyBurn1h, 'slow answers, 1 hour'),
    ], { none: p.noRecords, custom: { axisSoftMin: 0 }, overrides: [panels.line('1 hour', 'red'), panels.line('1 day', 'orange'), panels.line('slow answers, 1 hour', 'blue')] }), 8, 8],
  ], true);

  local hourly(metric) = 'sum(increase(%s[$__rate_interval]))' % q.p(metric);
  local token = panels.row('Token', [
    [panels.graph('Time until the last good token ends', 'While probes succeed, a short time is no problem. While they fail, it is the runway (red): below zero consumers have lost access, and below the dashed line the page fires. A token that never ends has no line.', [
      panels.range('min(%s)' % q.runway, 'token'),
      panels.range(runway, 'while probes fail'),
      panels.range('%s and on () %s' % [query.setting('runway_page:seconds'), runway], 'page'),
    ], { unit: 's', none: 'Never ends, or not known.', custom: { lineWidth: 2, axisSoftMin: 0 }, overrides: [panels.line('token', 'blue'), panels.line('while probes fail', 'red'), panels.limit('page')] }), 12, 8],
    [panels.graph('Lifetime when issued', 'When the lifetime changes, the provider has changed it. When an API returns the same token until it ends, the line shows the remaining lifetime.', [
      panels.range('max(%s)' % q.p('credwatch_token_lifetime_seconds'), 'lifetime'),
    ], { unit: 's', none: 'Never ends, or not known.', custom: { axisSoftMin: 0 }, overrides: [panels.line('lifetime', 'blue')] }), 6, 8],
    [panels.graph('Requests and new tokens', 'Requests in each hour, and tokens that differed from the previous token. Each request costs quota.', [
      panels.range(hourly('credwatch_probes_total'), 'requests'),
      panels.range(hourly('credwatch_token_changes_total'), 'new tokens'),
      panels.range(hourly('credwatch_next_credential_probes_total'), 'requests, next credential'),
    ], { unit: 'short', interval: '1h', none: 'Not watched.', custom: { axisSoftMin: 0 }, overrides: [panels.line('requests', 'blue'), panels.line('requests, next credential', 'light-blue'), panels.line('new tokens', 'green')] }), 6, 8],
  ]);

  local failures = panels.row('Failures and latency', [
    [panels.graph('Failed probes by reason and code', 'The graph misses the first failure with a new code, because increase() needs two samples; the table beside it counts this failure.', [
      panels.range('sum by (reason, code) (increase(%s[$__rate_interval])) > 0' % q.p('credwatch_probe_failures_total'), '{{reason}} {{code}}'),
    ], { unit: 'short', interval: '5m', none: 'No probe failed.', palette: { mode: 'shades', fixedColor: 'red' }, custom: panels.bars }), 12, 8],
    [panels.table('Failed probes in the shown time (the 50 most)', 'All failures with a code that first appeared in the shown time are counted.', [
      panels.instant('topk(50, sum by (class, reason, code) ((%s unless %s offset $__range) or increase(%s[$__range])) > 0.5)' % [q.p('credwatch_probe_failures_total'), q.p('credwatch_probe_failures_total'), q.p('credwatch_probe_failures_total')]),
    ], [
      ['reason', 'Reason', [panels.links(parts.toRunbook)]], parts.code, ['Value', 'Failures', panels.unit('none', 0) + [panels.width(90)]], parts.actor,
    ], ['-Failures'], { none: 'No probe failed.' }), 12, 8],
    [p.durations('Percentiles over at least five minutes each. With few probes in that time they are close together.'), 12, 8],
    [p.phases('The phases of the last probe. Blue phases are the network, orange phases are the provider.'), 12, 8],
  ]);

  local skew = 'max by (instance) (%s)' % q.p('credwatch_clock_skew_seconds');
  local details = panels.row('Rotation and details', [
    [p.next, 24, 5],
    [panels.table('Details', 'The recipe and the configured labels, the number of required scopes that the provider did not grant, whether the certificate is checked, and details of the last good token.', [
      panels.instant(q.paged(q.chosen)),
      panels.instant(by(q.p('credwatch_token_missing_scopes'))),
      panels.instant(by(q.p('credwatch_tls_insecure'))),
      panels.instant(by(q.p('credwatch_token_never_expires'))),
      panels.instant(by('1000 * ' + q.p('credwatch_token_expiry_timestamp_seconds'))),
      panels.instant(by('1000 * ' + q.p('credwatch_probe_last_attempt_timestamp_seconds'))),
      panels.instant(by(q.p('credwatch_provider_paused'))),
    ], [
      ['recipe', 'Recipe', [panels.wide(190)]],
      parts.time('Value #F', 'Last probe'),
      parts.time('Value #E', 'Token ends', '—'),
      ['Value #D', 'Never ends', [panels.mapped(texts.words([[0, 'no'], [1, 'yes']]) + texts.none('not known')), panels.width(100)]],
      ['Value #B', 'Missing scopes', panels.unit('none', 0) + [panels.thresholds([[null, 'text'], [1, 'red']]), panels.ink, panels.width(125)]],
      parts.yesOr('Value #C', 'TLS', texts.words([[1, 'not checked', 'red']]) + texts.none('checked')),
      parts.yesOr('Value #G', 'Paused', texts.words([[0, 'no', 'text'], [1, 'paused', 'blue']]) + texts.none('no'), 80),
      parts.page, parts.renew, parts.vendor, ['api_host', 'API'], parts.seenBy(),
    ], ['Seen by'], { hidden: ['Value #A', 'provider'], none: 'Not watched.' }), 16, 6],
    [panels.graph('The provider\'s clock minus the clock of credwatch', 'From the Date header, accurate to one second. With a difference tokens look older or younger than they are, and signatures that contain a time fail. Beyond the dashed lines a ticket fires.', [
      panels.range(skew, '{{instance}}'),
      panels.range('%s and on () %s' % [query.setting('clock_skew:seconds'), skew], 'ticket'),
      panels.range('-1 * %s and on () %s' % [query.setting('clock_skew:seconds'), skew], '-ticket'),
    ], { unit: 's', none: 'No Date header.', palette: { mode: 'fixed', fixedColor: 'blue' }, overrides: [panels.limit('ticket'), panels.limit('-ticket')] }), 8, 6],
  ]);

  local name(inner) = 'max by (%s, name) (%s)' % [query.key, inner];
  local listed(metric) = q.p('credwatch_listed_credential_' + metric);
  local ends = panels.row('Ends of credentials', [
    [panels.table('Ends of the credentials of $provider (the first 50)', 'Everything that is known of the end of each credential. The alerts use what is reported, else the earliest. “Alert” follows credential_warning and credential_critical of the provider, and credwatch:client_certificate_ticket:seconds.', [
      panels.instant('bottomk(50, %s)' % days(q.ends)),
      panels.instant('1000 * %s' % q.ends),
      panels.instant(q.endLevel),
    ], [['credential', 'Credential', [panels.wide(200)]], parts.days('Value #A'), parts.nearness('Value #C'), parts.day('Value #B', 'Ends'), parts.seenBy()], ['Days left'], { limit: 50, hidden: ['provider'], none: 'No end is known.' }), 12, 8],
    [panels.table('Listed credentials (the 100 that end first)', 'The credentials in the list of the provider, from the last complete list. One that has ended while another of its name has not was replaced.', [
      panels.instant('bottomk(100, %s)' % name(days(listed('expiry_timestamp_seconds')) + ' or 1e6 * ' + listed('never_expires'))),
      panels.instant(name('1000 * ' + listed('expiry_timestamp_seconds'))),
      panels.instant(name(listed('replaced'))),
    ], [
      ['name', 'Credential', [panels.wide(150)]],
      ['Value #A', 'Ends in', panels.unit('suffix: days', 0) + [panels.mapped(texts.above(9e5, 'never')), panels.width(120)]],
      parts.day('Value #B', 'Ends'),
      parts.yesOr('Value #C', 'Replaced', texts.words([[1, 'yes', 'text']]), 90),
      parts.seenBy(),
    ], ['Ends in'], { limit: 100, hidden: ['provider'], none: 'The recipe of this provider has no list.', filterable: true }), 12, 8],
  ]);

  frame.board(
    'credwatch-provider',
    'credwatch: provider',
    'One provider: what is wrong and what to do, how long consumers can continue, availability, latency, and details.',
    config, q,
    [
      frame.datasource,
      frame.job,
      frame.instance,
      frame.one(frame.values('provider', 'Provider', 'The name of the provider in the configuration.', 'label_values(credwatch_provider_info{job=~"$job",instance=~"$instance"}, provider)')),
    ] + frame.constants(config),
    layout.place(
      [[state, 5, 10], [[[wrong, 4], [meaning, 3], [who, 3]], 19, 10]] + numbers + [[history, 24, 4]],
      [
        panels.row('Alerts', [[p.firing, 14, 6], [p.alertList, 10, 6]], true),
        availability, token, failures, ends, details,
      ],
    ),
  )
