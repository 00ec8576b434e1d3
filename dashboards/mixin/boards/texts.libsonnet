// The words on the boards. Reasons, classes and states are those of the code; a test compares them.
{
  // What each reason means, and the first step: the same sentences as in alerts.
  reasons: {
    dns: ['The name of the endpoint does not resolve.', 'Check the host name for typos, then the resolver of this host.'],
    connect: ['credwatch could not open a TCP connection to the endpoint or to the proxy.', 'Check the vendor\'s status page, then firewall, proxy and allow-lists of this host.'],
    tls: ['The TLS handshake failed: the certificate has expired, is for another name or comes from an unknown authority, or the two sides have no TLS version in common.', 'Tell the vendor; for a private authority, set tls.ca_file.'],
    timeout: ['The whole answer did not arrive within timeout.', 'Check the vendor\'s status page, then the network of this host.'],
    transport: ['The connection broke before the whole answer arrived.', 'Check the vendor\'s status page, then proxies and firewalls near credwatch.'],
    unavailable: ['The provider answered with a server error.', 'Check the vendor\'s status page, then open a ticket with the vendor.'],
    throttled: ['The provider refuses the request because it has received too many.', 'Ask the owner who else uses this credential; set a longer interval in credwatch.'],
    redirect: ['The endpoint answered with a redirect, and credwatch does not follow it, because that would send the credential to another address.', 'Compare the URL in the configuration with the vendor\'s documentation.'],
    malformed: ['The answer does not fit the recipe: it is not JSON, has no token, has an unreadable expiry, or is too large.', 'See on the page how the answer was read; then ask the vendor what changed.'],
    rejected: ['The provider refuses the credential or the request.', 'Ask the owner for the valid secret, or for a new one, for the applications and credwatch.'],
    expired: ['The provider issued a token that has already expired or lives for less than min_lifetime.', 'Check the clock of this host (timedatectl). If it is right, raise the token lifetime at the vendor, or lower min_lifetime in credwatch.'],
    scope: ['The token, or a static key itself, lacks a scope listed in required_scopes.', 'Ask the owner: grant these scopes at the vendor, or correct required_scopes?'],
    unverified: ['The provider issued a token, but the verification call refused it.', 'Ask the owner to check permissions, environment (live or sandbox) and audience at the vendor.'],
    certificate: ['The client certificate of this provider has expired, or the endpoint refused it.', 'Renew the client certificate, or register it at the vendor.'],
    suspended: ['The provider says that the account is suspended, is unpaid or has used up its quota. The secret may be fine.', 'Ask the owner to check invoices, status and quota at the vendor; a new secret does not help.'],
    secret: ['credwatch cannot read a credential of this provider on this host.', 'Repair path, permissions or content of the secret on this host; credwatch then tries again.'],
    blocked: ['The provider refuses requests from the network address of this host.', 'Add the outgoing address of this host to the vendor\'s allow-list.'],
    'local': ['This host is the cause: its clock is wrong, it has no file descriptors, ports or memory left, or the request is too large.', 'Check clock, file descriptors, ports and memory of this host.'],
  },

  // Who acts on the failures of a class.
  classes: { credential: 'credential\'s owner', config: 'operator of credwatch', provider: 'vendor', network: 'network, or vendor' },

  // The kinds of state, the most urgent first: first and last number, word, colour. query.libsonnet computes these numbers.
  kinds: [
    [1, 1, 'refused', 'red'],
    [2, 2, 'cannot be tried here', 'purple'],
    [3, 3, 'cannot be reached', 'orange'],
    [10, 13, 'failing', 'yellow'],
    [20, 20, 'unknown', 'text'],
    [30, 30, 'healthy', 'green'],
    [100, 199, 'paused', 'blue'],
  ],

  local values(pairs) = [{ type: 'value', options: {
    [pairs[index].value]: { index: index, text: pairs[index].text } + (if std.objectHas(pairs[index], 'color') then { color: pairs[index].color } else {})
    for index in std.range(0, std.length(pairs) - 1)
  } }],

  // Value mappings. The arguments of `words` are [value, text] or [value, text, colour].
  words(rows):: values([{ value: std.toString(row[0]), text: row[1] } + (if std.length(row) > 2 then { color: row[2] } else {}) for row in rows]),
  none(text):: [{ type: 'special', options: { match: 'null+nan', result: { index: 99, text: text } } }],
  above(limit, text, color=null):: [{ type: 'range', options: { from: limit, to: null, result: { index: 90, text: text } + (if color == null then {} else { color: color }) } }],
  between(from, to, text):: [{ type: 'range', options: { from: from, to: to, result: { index: 91, text: text } } }],
  any(text):: [{ type: 'regex', options: { pattern: '.+', result: { index: 0, text: text } } }],

  // The mappings of a kind, and of a rank, which is a kind times 1e13 plus seconds.
  local state(factor, margin) = [
    { type: 'range', options: { from: kind[0] * factor - margin, to: kind[1] * factor + margin, result: { index: kind[0], text: kind[2], color: kind[3] } } }
    for kind in self.kinds
  ],
  state:: state(1, 0.5),
  rank:: state(1e13, 2e12),
  actor:: self.words([[class, self.classes[class]] for class in ['credential', 'config', 'provider', 'network']]),
  meaning:: self.words([[reason, '%s: %s' % [reason, self.reasons[reason][0]]] for reason in std.objectFields(self.reasons)]),
  step:: self.words([[reason, self.reasons[reason][1]] for reason in std.objectFields(self.reasons)]),
}
