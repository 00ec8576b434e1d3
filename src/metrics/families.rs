//! All metric families about providers: name, type, help text and value. A new metric is one row.

use super::family::Samples::{Configured, Each, Histogram, Labelled, Value};
use super::family::{Family, counter, gauge, histogram, next};
use super::listed::{self, of_the_list};
use super::samples::{self, count, flag, millis, of_a_token, where_an_end_is_known};
use crate::time::unix_seconds;

/// All families of `/metrics` about providers, in the order of the exposition.
pub static FAMILIES: [Family; 42] = [
    gauge(
        "credwatch_provider_info",
        "Recipe, host, owner, links and configured labels of a provider; join other series with it \
         to add these labels. Always 1.",
        Configured(samples::info),
    ),
    gauge(
        "credwatch_provider_state",
        "1 for the state that the provider is in, 0 for the others.",
        Each(&samples::STATES, samples::states),
    ),
    gauge(
        "credwatch_provider_paused",
        "1 while the provider is not probed (enabled, pause_until, maintenance), else 0. Absent \
         for a provider whose configuration has no pause.",
        Value(samples::paused),
    ),
    gauge(
        "credwatch_provider_failure_info",
        "Class, reason, the provider's own error code and its sentence for the current failure. \
         Always 1; absent while the last probe succeeded.",
        Labelled(samples::failure),
    ),
    counter(
        "credwatch_probes_total",
        "Probes made. credwatch probes on its own schedule, not for each scrape. A probe requests \
         a token, or presents a static credential.",
        Value(|subject| Some(count(subject.health.probes()))),
    ),
    counter(
        "credwatch_probe_failures_total",
        "Probes that got no usable token, or whose static credential was not accepted, by reason \
         and the provider's own error code.",
        Each(&samples::REASONS, samples::failures),
    ),
    gauge(
        "credwatch_probe_success",
        "1 when the last probe got a usable token, or the static credential was accepted, else 0.",
        Value(|subject| subject.health.last_probe_succeeded().map(flag)),
    ),
    histogram(
        "credwatch_probe_duration_seconds",
        "Duration of the whole request.",
        Histogram(|subject| subject.health.durations()),
    ),
    gauge(
        "credwatch_probe_phase_duration_seconds",
        "Duration of each phase of the last probe.",
        Each(&samples::PHASES, samples::phases),
    ),
    counter(
        "credwatch_probe_steps_total",
        "Calls made by probes with several calls: steps, the main request, verification and \
         cleanup.",
        Labelled(|subject, writer| samples::steps(subject, writer, |step| Some(count(step.made)))),
    ),
    counter(
        "credwatch_probe_step_failures_total",
        "Failed calls of probes with several calls.",
        Labelled(|subject, writer| {
            samples::steps(subject, writer, |step| Some(count(step.failed)));
        }),
    ),
    gauge(
        "credwatch_probe_step_duration_seconds",
        "Duration of the last call of each step.",
        Labelled(|subject, writer| {
            samples::steps(subject, writer, |step| (step.made > 0).then_some(step.duration));
        }),
    ),
    gauge(
        "credwatch_probe_last_attempt_timestamp_seconds",
        "When the last probe began.",
        Value(|subject| subject.health.last_attempt().map(unix_seconds)),
    ),
    gauge(
        "credwatch_probe_last_success_timestamp_seconds",
        "When the last successful probe began.",
        Value(|subject| subject.health.last_success().map(unix_seconds)),
    ),
    gauge(
        "credwatch_probe_next_timestamp_seconds",
        "When the next probe is due.",
        Value(|subject| {
            subject.health.next_probe(&subject.entry.provider, subject.now).map(millis)
        }),
    ),
    gauge(
        "credwatch_probe_consecutive_failures",
        "Failed probes since the last success.",
        Value(|subject| Some(subject.health.consecutive_failures().into())),
    ),
    gauge(
        "credwatch_token_expiry_timestamp_seconds",
        "When the last good token expires. Absent when the token never expires or its expiry is \
         not known.",
        Value(|subject| subject.health.token_end().map(unix_seconds)),
    ),
    gauge(
        "credwatch_token_time_to_expiry_seconds",
        "Time until the last good token expires, computed at the scrape; negative after the \
         expiry. Absent when the token never expires or its expiry is not known.",
        Value(|subject| {
            let now = unix_seconds(subject.now.wall);
            subject.health.token_end().map(|end| millis(unix_seconds(end) - now))
        }),
    ),
    gauge(
        "credwatch_token_never_expires",
        "1 when the last good token never expires, else 0.",
        Value(|subject| of_a_token(subject, flag(subject.health.token_never_ends()))),
    ),
    gauge(
        "credwatch_token_lifetime_seconds",
        "Lifetime of the last good token when the provider returned it. A provider that returns \
         the same token until it expires reports the remaining lifetime.",
        Value(|subject| subject.health.token().and_then(|token| token.lifetime).map(millis)),
    ),
    gauge(
        "credwatch_token_expiry_disagreement_seconds",
        "The end in the last good token, a JSON Web Token, minus the end in the answer. Absent \
         unless both are known.",
        Value(|subject| subject.health.token().and_then(|token| token.disagreement).map(millis)),
    ),
    counter(
        "credwatch_token_changes_total",
        "Tokens that differed from the previous token.",
        Value(|subject| of_a_token(subject, count(subject.health.token_changes()))),
    ),
    gauge(
        "credwatch_token_missing_scopes",
        "Number of required scopes that the provider did not grant in its last answer.",
        Value(samples::missing_scopes),
    ),
    gauge(
        "credwatch_clock_skew_seconds",
        "The provider's clock minus the clock of credwatch, from the Date header, accurate to one \
         second.",
        Value(|subject| subject.health.clock_skew().map(millis)),
    ),
    gauge(
        "credwatch_tls_certificate_expiry_timestamp_seconds",
        "Earliest expiry of a certificate in the chain of the endpoint.",
        Value(|subject| subject.health.certificate_expiry().map(unix_seconds)),
    ),
    gauge(
        "credwatch_credential_expiry_timestamp_seconds",
        "When a credential itself expires. The source is reported (an answer of the provider), \
         declared (secret_expires), certificate or jwt (the credential itself).",
        Labelled(samples::credential_expiries),
    ),
    gauge(
        "credwatch_credential_never_expires",
        "1 when a credential itself never expires, 0 when it does. Absent when that is not known.",
        Labelled(samples::endless_credentials),
    ),
    gauge(
        "credwatch_credential_warning_seconds",
        "How long before the end of a credential the ticket fires (credential_warning). Absent \
         while no end is known.",
        Value(|subject| where_an_end_is_known(subject, |policy| policy.warning)),
    ),
    gauge(
        "credwatch_credential_critical_seconds",
        "How long before the end of a credential the page fires (credential_critical). Absent \
         while no end is known.",
        Value(|subject| where_an_end_is_known(subject, |policy| policy.critical)),
    ),
    gauge(
        "credwatch_listed_credential_expiry_timestamp_seconds",
        "When a credential in the list of a provider expires, as the last complete list says.",
        Labelled(listed::expiries),
    ),
    gauge(
        "credwatch_listed_credential_never_expires",
        "1 for a credential in the list of a provider that never expires. Absent for the others.",
        Labelled(listed::endless),
    ),
    gauge(
        "credwatch_listed_credential_replaced",
        "1 for a credential in the list of a provider that has expired while another one with the \
         same name in the list has not. Absent for the others.",
        Labelled(listed::replaced),
    ),
    gauge(
        "credwatch_listed_credentials",
        "Number of credentials in the last complete list, without those that the limits left out.",
        Value(|subject| {
            of_the_list(subject, |listed| {
                listed.complete().map(|_| count(listed.list().rows.len() as u64))
            })
        }),
    ),
    gauge(
        "credwatch_listed_credentials_dropped",
        "Number of credentials that the limits left out of the last complete list, at least.",
        Value(|subject| {
            of_the_list(subject, |listed| listed.complete().map(|_| count(listed.list().dropped)))
        }),
    ),
    gauge(
        "credwatch_listed_credentials_last_complete_timestamp_seconds",
        "When the last complete list was read. Absent before the first.",
        Value(|subject| of_the_list(subject, |listed| listed.complete().map(unix_seconds))),
    ),
    gauge(
        "credwatch_listed_credentials_interval_seconds",
        "How often the list is read (list.interval of the recipe).",
        Value(|subject| {
            let interval = subject.entry.provider.recipe.list_interval();
            interval.map(|interval| interval.as_secs_f64())
        }),
    ),
    gauge(
        "credwatch_tls_insecure",
        "1 for a provider whose certificate is not checked (tls.insecure). Absent for the others.",
        Value(|subject| subject.entry.provider.transport.insecure.then_some(1.0)),
    ),
    next(gauge(
        "credwatch_next_credential_state",
        "Like credwatch_provider_state, for the next credential (credentials_next).",
        Each(&samples::STATES, samples::states),
    )),
    next(gauge(
        "credwatch_next_credential_failure_info",
        "Class, reason, code and sentence of the current failure of the next credential. Always 1; \
         absent while the last probe succeeded.",
        Labelled(samples::failure),
    )),
    next(counter(
        "credwatch_next_credential_probes_total",
        "Probes made with the next credential.",
        Value(|subject| Some(count(subject.health.probes()))),
    )),
    next(gauge(
        "credwatch_next_credential_probe_success",
        "1 when the last probe with the next credential succeeded, else 0.",
        Value(|subject| subject.health.last_probe_succeeded().map(flag)),
    )),
    next(gauge(
        "credwatch_next_credential_last_success_timestamp_seconds",
        "When the last successful probe with the next credential began.",
        Value(|subject| subject.health.last_success().map(unix_seconds)),
    )),
];

/// Served only at `/probe`, after all other families.
pub static PROBE_PENDING: Family = gauge(
    "credwatch_probe_pending",
    "At /probe: 1 when the scrape timeout ended before the probe did, so that all other series \
     here are from the previous probe.",
    Value(|subject| Some(flag(subject.pending))),
);
