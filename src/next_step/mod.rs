//! The one next step for a failure of one provider: what the general advice of its reason means in
//! this case. The page and `probe` show it.

mod network;
mod place;
mod refusal;
mod renew;

use place::Place;
use refusal::Refusal;
pub use refusal::{Known, PastEnd};
pub use renew::Retry;
use renew::{new_place, renew};

use crate::outcome::{Class, Detail, Failure, Reason};
use crate::provider::{Provider, Slot};
use crate::time::human_duration;

/// What to do now about a failure, in one or two sentences. Text between backticks is code.
#[must_use]
pub fn next_step(provider: &Provider, failure: &Failure, known: Known, retry: Retry) -> String {
    let place = Place::of(provider);
    let (url, host) = (&place.url, &place.host);
    match failure.reason {
        Reason::Dns => format!(
            "{} does not resolve. Check {url} for a typo, then `getent ahosts` with this \
             name on the host of credwatch.",
            place.name
        ),
        Reason::Connect if failure.detail == Detail::Proxy => {
            "Correct `proxy` and its login, or ask who runs the proxy why it refuses this host."
                .into()
        }
        Reason::Connect => format!(
            "Try `curl -sv -m 5 -o /dev/null` with {url} on the host of credwatch; then firewall \
             and proxy, then the vendor's status page."
        ),
        Reason::Tls => network::tls(failure.detail, &place),
        Reason::Timeout => network::timeout(failure.detail, provider, &place),
        Reason::Transport => format!(
            "Check the vendor's status page, then proxies and firewalls between here and {host}."
        ),
        Reason::Unavailable => {
            let answer =
                known.status.map_or("an error".to_owned(), |status| format!("HTTP {status}"));
            format!(
                "The vendor answers {answer}. See its status page, open a ticket. Do not rotate \
                 the secret."
            )
        }
        Reason::Throttled => format!(
            "Read the limit in the message, and raise `interval` far enough above {}. Then find \
             who else uses this credential.",
            human_duration(provider.cadence.interval.as_secs_f64())
        ),
        Reason::Redirect => {
            format!("Correct {url}, or ask the vendor why a login page is in front of {host}.")
        }
        Reason::Malformed => malformed(failure, host),
        Reason::Rejected => rejected(provider, failure, known, url, retry),
        Reason::Expired => expired(provider),
        Reason::Scope => scope(provider),
        Reason::Unverified => format!(
            "The vendor issues tokens, but the API refuses them. At the vendor, check environment \
             (live or sandbox), audience and permissions of this client ({host} issued the token)."
        ),
        Reason::Certificate => "Renew the certificate of `tls.client_certificate_file`, and \
                                register it at the vendor."
            .into(),
        Reason::Suspended => "Check invoices, status and quota in the vendor's console; a new \
                              secret does not help."
            .into(),
        Reason::Secret if retry == Retry::Person => {
            "Correct the source that the message names, then try again.".into()
        }
        Reason::Secret => "Correct the source that the message names; credwatch then tries it by \
                           itself. This says nothing about the applications."
            .into(),
        Reason::Blocked => "Add the outgoing address of the host of credwatch to the allow-list \
                            at the vendor."
            .into(),
        Reason::Local => "A clock: `timedatectl`. Descriptors: `systemctl show credwatch -p \
                          LimitNOFILE`. A request that is too large: shorten it."
            .into(),
    }
}

/// Whether the documentation of the recipe can say more about the code of a failure. A generic
/// recipe knows only the codes of the OAuth 2.0 standard (RFC 6749, section 5.2).
#[must_use]
pub fn explains(provider: &Provider, failure: &Failure) -> bool {
    const STANDARD: [&str; 6] = [
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
        "unsupported_grant_type", "invalid_scope",
    ];
    let code = failure.code.as_str();
    let is_of_the_vendor = match failure.reason.class() {
        Class::Network | Class::Config => false,
        Class::Provider => failure.reason != Reason::Unavailable,
        Class::Credential => true,
    };
    let is_known = provider.recipe.vendor().is_some() || STANDARD.contains(&code);
    is_of_the_vendor && is_known && !code.is_empty() && !code.starts_with("http_")
}

/// What the reason of a failure means in general, without what does not fit this failure.
#[must_use]
pub fn in_general(failure: &Failure, known: Known) -> &'static str {
    let of_the_refusal = (failure.reason == Reason::Rejected)
        .then(|| Refusal::of(failure, known).in_general())
        .flatten();
    of_the_refusal.unwrap_or(failure.reason.facts().action)
}

/// Whether a new secret or certificate can end a failure.
#[must_use]
pub fn renewal_can_help(failure: &Failure, known: Known) -> bool {
    match failure.reason {
        Reason::Rejected => Refusal::of(failure, known).is_about_the_secret(),
        reason => reason == Reason::Certificate,
    }
}

fn malformed(failure: &Failure, host: &str) -> String {
    match failure.code.as_str() {
        "not_json" => format!(
            "A proxy, a gateway or a login page answers for {host}. Ask who runs it, and compare \
             the answer with that of another host."
        ),
        "token_missing" => "The API may have changed: compare the structure of the answer with \
                            the rules of the recipe."
            .into(),
        _ => "Compare the structure of the answer with the rules of the recipe; the usual cause \
              is a gateway's error page."
            .into(),
    }
}

fn rejected(
    provider: &Provider,
    failure: &Failure,
    known: Known,
    url: &str,
    retry: Retry,
) -> String {
    // Applications do not use the next credential yet, so nobody has revoked it.
    let question = match provider.slot {
        Slot::Current => "did the secret expire, or was it rotated or revoked?",
        Slot::Next => "is the new secret valid and active at the vendor, and copied completely?",
    };
    let code = failure.code.as_str();
    match Refusal::of(failure, known) {
        Refusal::Address => format!("The vendor does not know this address: check {url}."),
        Refusal::Scope => "The client may not have the scope that the request names. Grant it at \
                           the vendor, or correct the scope in `parameters`. A new secret does \
                           not help."
            .into(),
        Refusal::Client => "Compare client id and tenant with the vendor's console. If they are \
                            right, allow this grant type for the client. A new secret does not \
                            help."
            .into(),
        Refusal::Grant => {
            "Allow this grant type for the client at the vendor. A new secret does not help.".into()
        }
        Refusal::Request => {
            "Read the message, and compare `parameters` with the vendor's documentation.".into()
        }
        Refusal::Permission => "Often the permission or the network address is the cause, not the \
                                secret. Read the message, and ask the owner what changed at the \
                                vendor."
            .into(),
        Refusal::Ended(end) => {
            let what = if end.is_declared { "secret" } else { "credential" };
            let place = new_place(provider, retry);
            let day = end.at.strftime("%Y-%m-%d");
            format!("The {what} ended on {day}. Create a new one at the vendor. Put it in {place}")
        }
        Refusal::Secret => {
            let renew = renew(provider, retry);
            format!("{}{} {renew}", question[..1].to_uppercase(), &question[1..])
        }
        Refusal::Unclear if code.is_empty() || code.starts_with("http_") => format!(
            "Compare the message with the vendor's documentation. Ask the owner: {question}"
        ),
        Refusal::Unclear => format!(
            "Look up the code `{code}` in the vendor's documentation. Ask the owner: {question}"
        ),
    }
}

fn expired(provider: &Provider) -> String {
    match provider.expectations.min_lifetime {
        Some(least) => format!(
            "Raise the token lifetime at the vendor, or lower `min_lifetime`, which is {}. If the \
             answer tells the end as a date, check the clock of this host first (`timedatectl`).",
            human_duration(least.as_secs_f64())
        ),
        None => "Check the clock of this host (`timedatectl`). If it is right, raise the token \
                 lifetime at the vendor."
            .into(),
    }
}

fn scope(provider: &Provider) -> String {
    let scopes = provider.expectations.required_scopes.join("`, `");
    format!(
        "Grant what is missing of `{scopes}` to this client at the vendor, or correct \
         `required_scopes`."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::{CredentialSources, SecretSource};
    use crate::outcome::Code;

    fn status(status: u16) -> Known {
        Known { status: Some(status), ended: None }
    }

    #[test]
    fn a_refused_secret_that_has_ended_is_replaced_without_a_question() {
        let source = SecretSource::File("secret".into());
        let sources = CredentialSources::new(vec![("client_secret".to_owned(), source)]);
        let provider = Provider { credentials: sources.into(), ..Provider::sample("p") };
        let at = "2026-11-29T12:00:00Z".parse().expect("a time");
        let step = |code, is_declared| {
            let failure = Failure::new(Reason::Rejected, "").code(Code::word(code));
            let known = Known { status: Some(400), ended: Some(PastEnd { at, is_declared }) };
            let about = (in_general(&failure, known), renewal_can_help(&failure, known));
            (next_step(&provider, &failure, known, Retry::Daemon), about)
        };
        for (code, is_declared, what) in
            [("invalid_client", true, "secret"), ("E17", false, "credential")]
        {
            let (step, about) = step(code, is_declared);
            assert_eq!(
                step,
                format!(
                    "The {what} ended on 2026-11-29. Create a new one at the vendor. Put it in \
                     the file of `client_secret`; credwatch tries it within seconds."
                )
            );
            assert!(about.0.starts_with("A vendor refuses a secret after its end.") && about.1);
        }
        // A refusal that is not about the secret stays one.
        assert!(step("invalid_scope", true).0.contains("A new secret does not help."));
    }

    #[test]
    fn the_general_text_and_the_links_never_contradict_the_step() {
        let action = Reason::Rejected.facts().action;
        for (code, status, expected) in [
            ("invalid_scope", Some(400), Some("asks for more than it may have")),
            ("unauthorized_client", Some(400), Some("knows no such client here")),
            ("unsupported_grant_type", Some(400), Some("offers no such grant type")),
            ("invalid_request", Some(400), Some("A parameter is missing")),
            ("access_denied", Some(400), Some("allow-lists of addresses")),
            ("http_403", Some(403), Some("allow-lists of addresses")),
            ("http_404", Some(404), Some("The address is wrong")),
            ("invalid_scope", Some(401), None),
            ("invalid_client", Some(401), None),
            ("E17", Some(400), None),
            // After a restart the status is not known.
            ("access_denied", None, Some("allow-lists of addresses")),
        ] {
            let failure = Failure::new(Reason::Rejected, "").code(Code::word(code));
            let known = Known { status, ended: None };
            let general = in_general(&failure, known);
            assert!(general.contains(expected.unwrap_or(action)), "{code}: {general}");
            assert_eq!(renewal_can_help(&failure, known), expected.is_none(), "{code}");
        }
        let failure = |reason| Failure::new(reason, "");
        assert!(renewal_can_help(&failure(Reason::Certificate), Known::default()));
        for reason in [Reason::Unavailable, Reason::Timeout, Reason::Scope, Reason::Secret] {
            assert!(!renewal_can_help(&failure(reason), Known::default()));
            assert_eq!(in_general(&failure(reason), Known::default()), reason.facts().action);
        }
    }

    #[test]
    fn a_refused_next_credential_is_not_called_expired_or_revoked() {
        let failure = Failure::new(Reason::Rejected, "no").code(Code::word("E1003"));
        let step = |slot| {
            let provider = Provider { slot, ..Provider::sample("p") };
            next_step(&provider, &failure, status(400), Retry::Daemon)
        };
        assert!(
            step(Slot::Current).ends_with("did the secret expire, or was it rotated or revoked?")
        );
        let next = step(Slot::Next);
        assert!(next.ends_with("active at the vendor, and copied completely?"), "{next}");
    }

    #[test]
    fn a_name_that_does_not_resolve_begins_the_sentence_without_a_port() {
        let step = |endpoint: Option<&str>, api_host: Option<&str>| {
            let (endpoint, api_host) = (endpoint.map(Into::into), api_host.map(Into::into));
            let provider = Provider { endpoint, api_host, ..Provider::sample("p") };
            let failure = Failure::new(Reason::Dns, "");
            next_step(&provider, &failure, Known::default(), Retry::Daemon)
        };
        for (endpoint, api_host, expected) in [
            (Some("login.example:443"), None, "`login.example` does not resolve. Check "),
            // The path of the URL has a secret in it.
            (None, Some("login.example"), "`login.example` does not resolve. Check "),
            (None, Some("login.example:8443"), "`login.example` does not resolve. Check "),
            (None, None, "The name of the endpoint does not resolve. Check "),
        ] {
            let step = step(endpoint, api_host);
            assert!(step.starts_with(expected), "{step}");
        }
    }

    #[test]
    fn a_person_without_a_daemon_is_not_told_what_the_daemon_does() {
        let failure = Failure::new(Reason::Secret, "");
        let step = |retry| next_step(&Provider::sample("p"), &failure, Known::default(), retry);
        assert!(step(Retry::Daemon).contains("credwatch then tries it by itself"));
        assert_eq!(
            step(Retry::Person),
            "Correct the source that the message names, then try again."
        );
    }
}
