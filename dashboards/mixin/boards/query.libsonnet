// The parts of queries that several panels share. `of` returns them for one board: `more` are matchers of the series about
// providers beside job and instance, and `filters` are matchers of labels that only credwatch_provider_info has.
// The settings that the rules are shipped with. They are outside of the object, because jsonnet computes the locals of an object
// for each field again.
local groups = (import '../yaml.libsonnet')(importstr '../../alerts.yml') + (import '../yaml.libsonnet')(importstr '../../recording.yml');
local defaults = {
  [rule.record]: rule.expr
  for group in groups
  for rule in group.rules
  if std.objectHas(rule, 'record') && std.startsWith(rule.expr, 'vector(')
};

{
  // The value of a setting of the rules. Without the rules, the value that they are shipped with.
  setting(name):: '(max(credwatch:%s) or on () %s)' % [name, defaults['credwatch:' + name]],

  key:: 'job, instance, provider',

  of(more, filters=''):: {
    local here = self,
    local key = 'on (%s)' % $.key,
    local ji = 'job=~"$job",instance=~"$instance"',

    // A series about providers, with further matchers.
    p(metric, matchers=''):: '%s{%s%s}' % [metric, std.join(',', [ji, more]), if matchers == '' then '' else ',' + matchers],
    // A series of the daemon.
    d(metric, matchers=''):: '%s{%s%s}' % [metric, ji, if matchers == '' then '' else ',' + matchers],
    // A record of recording.yml, which has no instance. `at` can be the end of the shown time.
    slo(record, at=''):: 'credwatch:%s{job=~"$job",%s}%s' % [record, more, at],

    // The selected providers, and those of them that are not paused.
    chosen:: here.p('credwatch_provider_info', filters),
    paused:: '(%s == 1)' % here.p('credwatch_provider_paused'),
    active:: '(%s unless %s %s)' % [here.chosen, key, here.paused],
    among(query):: if filters == '' then query else '(%s and %s %s)' % [query, key, here.chosen],
    sloAmong(record, at=''):: if filters == '' then here.slo(record, at) else '(%s and on (job, provider) %s)' % [here.slo(record, at), here.chosen],

    failure(class):: here.p('credwatch_provider_failure_info', 'class=~"%s"' % class),
    state(word):: '(%s == 1)' % here.p('credwatch_provider_state', 'state="%s"' % word),
    failing(class):: '(%s and %s %s)' % [here.failure(class), key, here.active],
    broken(class):: '(%s and %s %s and %s %s)' % [here.failure(class), key, here.state('broken'), key, here.active],
    // A pair of credwatch sees the same credentials, so each name counts once.
    number(query):: 'count(count by (job, provider) (%s)) or on () 0 * count(%s)' % [query, here.chosen],

    // The number in `kinds` of texts.libsonnet. The parts have different labels, so `or` unites them, and a failing provider has the
    // sum of 10 and the number of its class.
    local kindOf(parts) = 'sum by (%s) (%s)' % [$.key, std.join(' or ', parts)],
    local classes = [here.failure('credential'), '2 * ' + here.failure('config'), '3 * ' + here.failure('network|provider')],
    local failingState = '10 * ' + here.p('credwatch_provider_state', 'state="failing"'),
    kind:: kindOf(classes + [
      failingState,
      '20 * ' + here.p('credwatch_provider_state', 'state="unknown"'),
      '30 * ' + here.p('credwatch_provider_state', 'state="healthy"'),
      '100 * ' + here.p('credwatch_provider_paused'),
    ]),
    nextKind:: 'sum by (%s) (%s)' % [$.key, std.join(' or ', [
      '%d * %s' % [pair[0], here.p('credwatch_next_credential_state', 'state="%s"' % pair[1])]
      for pair in [[1, 'broken'], [10, 'failing'], [20, 'unknown'], [30, 'healthy']]
    ])],

    // A number by which the most urgent failures of a class are first: the kind, then how long tokens live.
    rank(class):: '(1e13 * %s + on (%s) (%s or %s 5e11 * %s))' % [kindOf(classes + [failingState]), $.key, here.tokens, key, here.failure(class)],

    // The labels of providers with the address of their credwatch in `url`: --web.external-url, else the scraped address.
    local url = '(%s or on (job, instance) label_replace(%s, "url", "${scheme}://$1/", "instance", "(.+)"))'
                % [here.d('credwatch_external_url_info'), here.d('credwatch_build_info')],
    paged(info):: '%s * on (job, instance) group_left (url) %s' % [info, url],

    // How long tokens live. 1e12 stands for ever, and 5e11 for not known.
    runway:: here.p('credwatch_token_time_to_expiry_seconds'),
    tokens:: '(%s or 1e12 * (%s == 1))' % [here.runway, here.p('credwatch_token_never_expires')],
    runwayOf(class, among):: '((%s or %s 5e11 * %s) and %s %s)' % [here.tokens, key, here.failure(class), key, among],
    // The runways below the threshold of the page.
    short(runway):: '(%s < on (provider) group_left () credwatch:runway_page_of:seconds or (%s unless on (provider) credwatch:runway_page_of:seconds) < on () group_left () %s)'
                    % [runway, runway, $.setting('runway_page:seconds')],
    // 3: tokens have ended, 2: below the threshold of the page, 1: valid, 0: for ever, -1: not known.
    tokenLevel(failures):: 'max by (%s) (%s)' % [$.key, std.join(' or %s ' % key, [
      '3 + 0 * (%s <= 0)' % here.failingRunway(failures),
      '2 + 0 * ' + here.short(here.failingRunway(failures)),
      '1 + 0 * ' + here.failingRunway(failures),
      '0 * (%s == 1 and %s %s)' % [here.p('credwatch_token_never_expires'), key, failures],
      '-1 * ' + failures,
    ])],
    failingRunway(failures):: '(%s and %s %s)' % [here.runway, key, failures],

    // The end of each credential, as in the record credwatch:credential_end:seconds.
    local end(matchers) = here.p('credwatch_credential_expiry_timestamp_seconds', matchers),
    local first(matchers) = 'min by (%s, credential) (%s)' % [$.key, end(matchers)],
    local clientCertificate = first('credential="tls.client_certificate_file"'),
    local listed = 'label_replace(%s unless on (%s, name) %s, "credential", "$1", "name", "(.+)")'
                   % [here.p('credwatch_listed_credential_expiry_timestamp_seconds'), $.key, here.p('credwatch_listed_credential_replaced')],
    local declared = std.join(' or ', [
      first('source="reported"'),
      first('source!="reported",credential!~"|tls.client_certificate_file"'),
      '%s unless %s %s' % [first('source="declared",credential=""'), key, end('source="reported"')],
    ]),
    local own = 'max by (%s, credential) (%s)' % [$.key, std.join(' or ', [declared, listed])],
    ends:: here.among('max by (%s, credential) (%s)' % [$.key, std.join(' or ', [declared, listed, clientCertificate])]),
    firstEnd:: here.among('min by (%s) (%s)' % [$.key, std.join(' or ', [declared, clientCertificate])]),
    // 3: has ended, 2: pages, 1: makes a ticket, 0: is far. The thresholds are those of the provider, and of the rules.
    local near(what, thresholds) = std.join(' + ', ['(%s - time() < bool %s)' % [what, threshold] for threshold in thresholds]),
    local ofProvider(which) = '%s group_left () %s' % [key, here.p('credwatch_credential_%s_seconds' % which)],
    local ofRules(name) = 'on () group_left () %s' % $.setting(name),
    local ended = '(%s - time() <= bool 0)',
    endLevel:: here.among('(%s + %s or on (%s, credential) %s + 2 * %s)' % [
      near('(%s)' % own, [ofProvider('warning'), ofProvider('critical')]), ended % ('(%s)' % own), $.key,
      near(clientCertificate, [ofRules('client_certificate_ticket:seconds')]), ended % clientCertificate,
    ]),
    // The credentials and certificates that are that near.
    endsSoon:: 'max by (%s) ((%s) - time() < %s or %s - time() < %s or %s - time() < %s)' % [
      $.key, own, ofProvider('warning'), clientCertificate, ofRules('client_certificate_ticket:seconds'),
      here.p('credwatch_tls_certificate_expiry_timestamp_seconds'), ofRules('certificate_ticket:seconds'),
    ],
    certificate:: here.among(here.p('credwatch_tls_certificate_expiry_timestamp_seconds')),
    certificateLevel:: '(%s + 2 * %s)' % [near(here.certificate, [ofRules('certificate_ticket:seconds')]), ended % here.certificate],
  },
}
