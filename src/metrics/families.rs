//! The table of all metric families about providers: the one source of names, types and help texts.

#![expect(missing_docs, reason = "each family carries its own help text")]

/// One metric family.
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// The help text.
    pub help: &'static str,
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "gauge", help }
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: "counter", help }
}

pub const PROVIDER_INFO: Family = gauge(
    "credwatch_provider_info",
    "A provider with its recipe and the operator's own labels; join them on from here. Always 1.",
);
pub const PROVIDER_STATE: Family =
    gauge("credwatch_provider_state", "1 for the state that the provider is in, 0 for the others.");
pub const FAILURE_INFO: Family = gauge(
    "credwatch_provider_failure_info",
    "What is wrong with a provider now, by class, reason and the provider's own error code. Always 1; absent while nothing is wrong.",
);
pub const PROBES: Family = counter(
    "credwatch_probes_total",
    "Probes made, on the daemon's own schedule and not at scrape time: each costs a token.",
);
pub const PROBE_FAILURES: Family = counter(
    "credwatch_probe_failures_total",
    "Probes that issued no usable token, by reason and the provider's own error code.",
);
pub const PROBE_SUCCESS: Family =
    gauge("credwatch_probe_success", "Whether the last probe issued a usable token.");
pub const PROBE_DURATION: Family = Family {
    name: "credwatch_probe_duration_seconds",
    kind: "histogram",
    help: "How long the whole token request took.",
};
pub const PROBE_PHASE_DURATION: Family =
    gauge("credwatch_probe_phase_duration_seconds", "How long each phase of the last probe took.");
pub const PROBE_STEPS: Family = counter(
    "credwatch_probe_steps_total",
    "Calls made by probes that make several: steps before the token request, the token request, what verifies the token, what cleans up.",
);
pub const PROBE_STEP_FAILURES: Family =
    counter("credwatch_probe_step_failures_total", "Calls of such probes that failed.");
pub const PROBE_STEP_DURATION: Family =
    gauge("credwatch_probe_step_duration_seconds", "How long the last of these calls took.");
pub const LAST_ATTEMPT: Family =
    gauge("credwatch_probe_last_attempt_timestamp_seconds", "When the last probe began.");
pub const LAST_SUCCESS: Family = gauge(
    "credwatch_probe_last_success_timestamp_seconds",
    "When the last probe that issued a usable token began.",
);
pub const NEXT_PROBE: Family =
    gauge("credwatch_probe_next_timestamp_seconds", "When the next probe is due.");
pub const CONSECUTIVE_FAILURES: Family =
    gauge("credwatch_probe_consecutive_failures", "Failures in a row.");
pub const TOKEN_EXPIRY: Family = gauge(
    "credwatch_token_expiry_timestamp_seconds",
    "When the last good token ends. Absent when it never does, or when that is not known.",
);
pub const TIME_TO_EXPIRY: Family = gauge(
    "credwatch_token_time_to_expiry_seconds",
    "How long the last good token still lives, at the time of the scrape; negative once it has ended. Absent when it never ends, or when that is not known.",
);
pub const NEVER_EXPIRES: Family =
    gauge("credwatch_token_never_expires", "Whether the last good token never ends.");
pub const TOKEN_LIFETIME: Family = gauge(
    "credwatch_token_lifetime_seconds",
    "The lifetime that the last good token had when it was handed out: what was left of it, where a provider hands the same token out until it ends.",
);
pub const TOKEN_CHANGES: Family =
    counter("credwatch_token_changes_total", "Tokens that differed from the one before.");
pub const MISSING_SCOPES: Family =
    gauge("credwatch_token_missing_scopes", "Required scopes that the last answer did not grant.");
pub const CLOCK_SKEW: Family = gauge(
    "credwatch_clock_skew_seconds",
    "The provider's clock minus ours, from the Date header, good to a second.",
);
pub const CERTIFICATE_EXPIRY: Family = gauge(
    "credwatch_tls_certificate_expiry_timestamp_seconds",
    "When the first certificate in the chain of the token endpoint ends.",
);
pub const CREDENTIAL_EXPIRY: Family = gauge(
    "credwatch_credential_expiry_timestamp_seconds",
    "When the client secret itself ends, as configured with secret_expires.",
);
pub const TLS_INSECURE: Family = gauge(
    "credwatch_tls_insecure",
    "1 for a provider whose endpoint may show any certificate (tls.insecure). Absent for the others.",
);

pub const NEXT_STATE: Family = gauge(
    "credwatch_next_credential_state",
    "As credwatch_provider_state, of the credentials that are to follow (credentials_next).",
);
pub const NEXT_FAILURE_INFO: Family = gauge(
    "credwatch_next_credential_failure_info",
    "What is wrong with the credentials that are to follow. Always 1; absent while nothing is wrong.",
);
pub const NEXT_PROBES: Family = counter(
    "credwatch_next_credential_probes_total",
    "Probes made with the credentials that are to follow.",
);
pub const NEXT_PROBE_SUCCESS: Family = gauge(
    "credwatch_next_credential_probe_success",
    "Whether the last probe with the credentials that are to follow issued a usable token.",
);
pub const NEXT_LAST_SUCCESS: Family = gauge(
    "credwatch_next_credential_last_success_timestamp_seconds",
    "When the last probe with the credentials that are to follow that issued a usable token began.",
);

/// Served at `/probe` alone.
pub const PROBE_PENDING: Family = gauge(
    "credwatch_probe_pending",
    "At /probe: 1 when the scraper wanted its answer before the probe had ended, so that all else here is of the one before.",
);

/// All families about providers, in the order of the exposition.
pub const FAMILIES: [&Family; 30] = [
    &PROVIDER_INFO,
    &PROVIDER_STATE,
    &FAILURE_INFO,
    &PROBES,
    &PROBE_FAILURES,
    &PROBE_SUCCESS,
    &PROBE_DURATION,
    &PROBE_PHASE_DURATION,
    &PROBE_STEPS,
    &PROBE_STEP_FAILURES,
    &PROBE_STEP_DURATION,
    &LAST_ATTEMPT,
    &LAST_SUCCESS,
    &NEXT_PROBE,
    &CONSECUTIVE_FAILURES,
    &TOKEN_EXPIRY,
    &TIME_TO_EXPIRY,
    &NEVER_EXPIRES,
    &TOKEN_LIFETIME,
    &TOKEN_CHANGES,
    &MISSING_SCOPES,
    &CLOCK_SKEW,
    &CERTIFICATE_EXPIRY,
    &CREDENTIAL_EXPIRY,
    &TLS_INSECURE,
    &NEXT_STATE,
    &NEXT_FAILURE_INFO,
    &NEXT_PROBES,
    &NEXT_PROBE_SUCCESS,
    &NEXT_LAST_SUCCESS,
];
