//! The table of all metric families about providers: name, type, help text and value. A new metric
//! is a row here.

use super::family::Samples::{Histogram, Labelled, Value};
use super::family::{Family, counter, gauge, histogram, next};
use super::samples::{self, count, flag, millis};
use crate::time::unix_seconds;

/// All families of `/metrics` about providers, in the order of the exposition.
pub static FAMILIES: [Family; 30] = [
    gauge(
        "credwatch_provider_info",
        "A provider with its recipe and the operator's own labels; join them on from here. \
Always 1.",
        Labelled(samples::info),
    ),
    gauge(
        "credwatch_provider_state",
        "1 for the state that the provider is in, 0 for the others.",
        Labelled(samples::states),
    ),
    gauge(
        "credwatch_provider_failure_info",
        "What is wrong with a provider now, by class, reason and the provider's own error \
code. Always 1; absent while nothing is wrong.",
        Labelled(samples::failure),
    ),
    counter(
        "credwatch_probes_total",
        "Probes made, on the daemon's own schedule and not at scrape time: each costs a token.",
        Value(|subject| Some(count(subject.health.probes()))),
    ),
    counter(
        "credwatch_probe_failures_total",
        "Probes that issued no usable token, by reason and the provider's own error code.",
        Labelled(samples::failures),
    ),
    gauge(
        "credwatch_probe_success",
        "Whether the last probe issued a usable token.",
        Value(|subject| subject.health.last_probe_succeeded().map(flag)),
    ),
    histogram(
        "credwatch_probe_duration_seconds",
        "How long the whole token request took.",
        Histogram(|subject| subject.health.durations()),
    ),
    gauge(
        "credwatch_probe_phase_duration_seconds",
        "How long each phase of the last probe took.",
        Labelled(samples::phases),
    ),
    counter(
        "credwatch_probe_steps_total",
        "Calls made by probes that make several: steps before the token request, the token \
request, what verifies the token, what cleans up.",
        Labelled(|subject, writer| samples::steps(subject, writer, |step| Some(count(step.made)))),
    ),
    counter(
        "credwatch_probe_step_failures_total",
        "Calls of such probes that failed.",
        Labelled(|subject, writer| {
            samples::steps(subject, writer, |step| Some(count(step.failed)))
        }),
    ),
    gauge(
        "credwatch_probe_step_duration_seconds",
        "How long the last of these calls took.",
        Labelled(|subject, writer| {
            samples::steps(subject, writer, |step| (step.made > 0).then_some(step.duration))
        }),
    ),
    gauge(
        "credwatch_probe_last_attempt_timestamp_seconds",
        "When the last probe began.",
        Value(|subject| subject.health.last_attempt().map(unix_seconds)),
    ),
    gauge(
        "credwatch_probe_last_success_timestamp_seconds",
        "When the last probe that issued a usable token began.",
        Value(|subject| subject.health.last_success().map(unix_seconds)),
    ),
    gauge(
        "credwatch_probe_next_timestamp_seconds",
        "When the next probe is due.",
        Value(|subject| {
            subject.health.next_due().map(|due| millis(subject.now.unix_seconds_at(due)))
        }),
    ),
    gauge(
        "credwatch_probe_consecutive_failures",
        "Failures in a row.",
        Value(|subject| Some(subject.health.consecutive_failures().into())),
    ),
    gauge(
        "credwatch_token_expiry_timestamp_seconds",
        "When the last good token ends. Absent when it never does, or when that is not known.",
        Value(|subject| subject.health.token_end().map(unix_seconds)),
    ),
    gauge(
        "credwatch_token_time_to_expiry_seconds",
        "How long the last good token still lives, at the time of the scrape; negative once \
it has ended. Absent when it never ends, or when that is not known.",
        Value(|subject| {
            let now = unix_seconds(subject.now.wall);
            subject.health.token_end().map(|end| millis(unix_seconds(end) - now))
        }),
    ),
    gauge(
        "credwatch_token_never_expires",
        "Whether the last good token never ends.",
        Value(|subject| Some(flag(subject.health.token_never_ends()))),
    ),
    gauge(
        "credwatch_token_lifetime_seconds",
        "The lifetime that the last good token had when it was handed out: what was left of \
it, where a provider hands the same token out until it ends.",
        Value(|subject| subject.health.token().and_then(|token| token.lifetime).map(millis)),
    ),
    counter(
        "credwatch_token_changes_total",
        "Tokens that differed from the one before.",
        Value(|subject| Some(count(subject.health.token_changes()))),
    ),
    gauge(
        "credwatch_token_missing_scopes",
        "Required scopes that the last answer did not grant.",
        Value(|subject| Some(count(subject.health.missing_scopes() as u64))),
    ),
    gauge(
        "credwatch_clock_skew_seconds",
        "The provider's clock minus ours, from the Date header, good to a second.",
        Value(|subject| subject.health.clock_skew().map(millis)),
    ),
    gauge(
        "credwatch_tls_certificate_expiry_timestamp_seconds",
        "When the first certificate in the chain of the token endpoint ends.",
        Value(|subject| subject.health.certificate_expiry().map(unix_seconds)),
    ),
    gauge(
        "credwatch_credential_expiry_timestamp_seconds",
        "When the client secret itself ends, as configured with secret_expires.",
        Value(|subject| subject.entry.provider.secret_expires.map(unix_seconds)),
    ),
    gauge(
        "credwatch_tls_insecure",
        "1 for a provider whose endpoint may show any certificate (tls.insecure). Absent for \
the others.",
        Value(|subject| subject.entry.provider.transport.insecure.then_some(1.0)),
    ),
    next(gauge(
        "credwatch_next_credential_state",
        "As credwatch_provider_state, of the credentials that are to follow (credentials_next).",
        Labelled(samples::states),
    )),
    next(gauge(
        "credwatch_next_credential_failure_info",
        "What is wrong with the credentials that are to follow. Always 1; absent while \
nothing is wrong.",
        Labelled(samples::failure),
    )),
    next(counter(
        "credwatch_next_credential_probes_total",
        "Probes made with the credentials that are to follow.",
        Value(|subject| Some(count(subject.health.probes()))),
    )),
    next(gauge(
        "credwatch_next_credential_probe_success",
        "Whether the last probe with the credentials that are to follow issued a usable token.",
        Value(|subject| subject.health.last_probe_succeeded().map(flag)),
    )),
    next(gauge(
        "credwatch_next_credential_last_success_timestamp_seconds",
        "When the last probe with the credentials that are to follow that issued a usable \
token began.",
        Value(|subject| subject.health.last_success().map(unix_seconds)),
    )),
];

/// Served at `/probe` alone, after all others.
pub static PROBE_PENDING: Family = gauge(
    "credwatch_probe_pending",
    "At /probe: 1 when the scraper wanted its answer before the probe had ended, so that \
all else here is of the one before.",
    Value(|subject| Some(flag(subject.pending))),
);
