//! The one next step for a failure of one provider: what the general advice of its reason means in
//! this case. The page and `probe` show it.

mod renew;

pub use renew::Retry;
use renew::renew;

use crate::outcome::{Class, Failure, Reason};
use crate::provider::{Provider, Slot};
use crate::time::human_duration;

/// What to do now about a failure, in one or two sentences. `status` is the HTTP status of the
/// last answer. Text between backticks is code.
#[must_use]
pub fn next_step(
    provider: &Provider,
    failure: &Failure,
    status: Option<u16>,
    retry: Retry,
) -> String {
    let place = Place::of(provider);
    let (url, host) = (&place.url, &place.host);
    match failure.reason {
        Reason::Dns => format!(
            "{} does not resolve. Check {url} for a typing error, then `getent ahosts` with this \
             name on the host of credwatch.",
            place.name
        ),
        Reason::Connect => format!(
            "Try `curl -sv -m 5 -o /dev/null` with {url} on the host of credwatch; then firewall \
             and proxy, then the vendor's status page."
        ),
        Reason::Tls => format!(
            "A certificate that has ended: only the vendor can renew it. An unknown authority: \
             set `tls.ca_file`. Another name, or no TLS: check {url}."
        ),
        Reason::Timeout => format!(
            "In `connect` look at the network; in `processing` ask the vendor. Raise `timeout` \
             above {} only if this is normal.",
            human_duration(provider.timeout.as_secs_f64())
        ),
        Reason::Transport => format!(
            "Look for a proxy or firewall that closes connections between here and {host}; else \
             ask the vendor."
        ),
        Reason::Unavailable => {
            let answer = status.map_or("an error".to_owned(), |status| format!("HTTP {status}"));
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
        Reason::Rejected => rejected(provider, failure, status, url, retry),
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

/// What the request of a provider is called in sentences.
struct Place {
    url: String,
    host: String,
    /// The name of the host, as the beginning of a sentence.
    name: String,
}

impl Place {
    fn of(provider: &Provider) -> Self {
        let recipe = &provider.recipe;
        let url = recipe.url_parameter().map_or_else(
            || format!("the URL of recipe `{}`", recipe.name),
            |parameter| format!("`parameters.{parameter}`"),
        );
        // A secret in the path hides the endpoint, but not the host of the main call.
        let of_main = provider.api_host.as_deref().filter(|_| provider.steps.is_empty());
        let known = provider.endpoint.as_deref().or(of_main);
        let host = known.map_or("the endpoint".to_owned(), |host| format!("`{host}`"));
        let name = known.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
        let name = name.map_or("The name of the endpoint".to_owned(), |name| format!("`{name}`"));
        Self { url, host, name }
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
    status: Option<u16>,
    url: &str,
    retry: Retry,
) -> String {
    let code = failure.code.as_str();
    if code == "http_404" {
        return format!("The vendor does not know this address: check {url}.");
    }
    if let Some(step) = not_about_the_secret(failure, status) {
        return step.to_owned();
    }
    // Applications do not use the next credential yet, so nobody has revoked it.
    let question = match provider.slot {
        Slot::Current => "did the secret expire, or was it rotated or revoked?",
        Slot::Next => "is the new secret valid and active at the vendor, and copied completely?",
    };
    let is_about_the_client = code == "invalid_client" || status == Some(401) || code == "http_401";
    if is_about_the_client {
        let renew = renew(provider, retry);
        return format!("{}{} {renew}", question[..1].to_uppercase(), &question[1..]);
    }
    if code.is_empty() || code.starts_with("http_") {
        return format!(
            "Compare the message with the vendor's documentation. Ask the owner: {question}"
        );
    }
    format!("Look up the code `{code}` in the vendor's documentation. Ask the owner: {question}")
}

/// The step for a refusal that a new secret does not change: codes of RFC 6749 (sections 4.1.2.1
/// and 5.2) and the status 403.
fn not_about_the_secret(failure: &Failure, status: Option<u16>) -> Option<&'static str> {
    if status == Some(401) {
        return None;
    }
    Some(match failure.code.as_str() {
        "invalid_scope" => {
            "The client may not have the scope that the request names. Grant it at the vendor, or \
             correct the scope in `parameters`. A new secret does not help."
        }
        "unauthorized_client" | "unsupported_grant_type" => {
            "Allow this grant type for the client at the vendor. A new secret does not help."
        }
        "invalid_request" => {
            "Read the message, and compare `parameters` with the vendor's documentation."
        }
        "access_denied" | "http_403" => {
            "Often the permission or the network address is the cause, not the secret. Read the \
             message, and ask the owner what changed at the vendor."
        }
        _ => return None,
    })
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
    use crate::outcome::Code;

    #[test]
    fn a_refused_next_credential_is_not_called_expired_or_revoked() {
        let failure = Failure::new(Reason::Rejected, "no").code(Code::word("E1003"));
        let step = |slot| {
            let provider = Provider { slot, ..Provider::sample("p") };
            next_step(&provider, &failure, Some(400), Retry::Daemon)
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
            next_step(&provider, &failure, None, Retry::Daemon)
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
        let step = |retry| next_step(&Provider::sample("p"), &failure, None, retry);
        assert!(step(Retry::Daemon).contains("credwatch then tries it by itself"));
        assert_eq!(
            step(Retry::Person),
            "Correct the source that the message names, then try again."
        );
    }
}
