//! Where a new secret goes.

use crate::credentials::SecretSource;
use crate::provider::{Provider, Slot};
use crate::secret::names_a_secret;

/// Who tries a credential again after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The daemon that has this provider.
    Daemon,
    /// The person who probes a recipe: no daemon has this provider.
    Person,
}

/// The most inputs that a sentence names.
const MOST_NAMES: usize = 3;

/// What to do with the valid secret: where it goes, and who tries it.
pub fn renew(provider: &Provider, retry: Retry) -> String {
    format!("Put the valid one in {}", new_place(provider, retry))
}

/// Where a valid secret goes, and who tries it: the end of a sentence.
pub fn new_place(provider: &Provider, retry: Retry) -> String {
    let all: Vec<(&str, &SecretSource)> =
        provider.credentials.iter().map(|(name, source)| (name.as_str(), source)).collect();
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let mut meant = all.clone();
    meant.retain(|(name, _)| is_secret(name, &names));
    // No name tells, so each input can be the wrong one.
    let meant = if meant.is_empty() { all } else { meant };
    let then = then(&meant, retry);
    if meant.is_empty() || meant.len() > MOST_NAMES {
        return format!("its place{then}");
    }
    // The current credential works, so nobody must change that one.
    let key = |name: &str| match provider.slot {
        Slot::Current => name.to_owned(),
        Slot::Next => format!("credentials_next.{name}"),
    };
    let places: Vec<String> =
        meant.iter().map(|(name, source)| place(&key(name), source)).collect();
    format!("{}{then}", places.join(" or "))
}

fn place(name: &str, source: &SecretSource) -> String {
    match source {
        SecretSource::File(_) => format!("the file of `{name}`"),
        SecretSource::Command(_) => format!("the store of the program of `{name}`"),
        SecretSource::Systemd(_) => format!("the systemd credential of `{name}`"),
        SecretSource::Environment(_) => match source.shown_variable() {
            Some(variable) => format!("the environment variable `{variable}` of `{name}`"),
            None => format!("the environment variable of `{name}`"),
        },
        SecretSource::Inline(_) => format!("the configuration of `{name}`"),
    }
}

/// What comes after the change. Of several sources, the one that needs the most counts.
fn then(meant: &[(&str, &SecretSource)], retry: Retry) -> &'static str {
    if retry == Retry::Person {
        return ", then try again.";
    }
    let has = |is: fn(&SecretSource) -> bool| meant.iter().any(|(_, source)| is(source));
    // Both are copies from the start of the process.
    if has(|source| matches!(source, SecretSource::Systemd(_) | SecretSource::Environment(_))) {
        ", then restart credwatch."
    } else if meant.is_empty() || has(|source| matches!(source, SecretSource::Inline(_))) {
        ", then reload the configuration."
    } else if has(|source| matches!(source, SecretSource::Command(_))) {
        "; credwatch tries it within one `interval`."
    } else {
        "; credwatch tries it within seconds."
    }
}

/// Whether the name of an input says that it is the secret, and not the identifier beside it.
fn is_secret(name: &str, all: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let is_identifier = name.ends_with("name")
        || name.ends_with("id") && !name.contains("secret")
        || name.strip_suffix("key").is_some_and(|stem| is_half(&name, stem, all));
    names_a_secret(&name) && !is_identifier
}

/// Whether a key is the public half of a pair: `app_key` beside `app_secret`, `api_key` beside
/// `api_key_secret`, and any key beside a `private_key` or `secret_key`.
fn is_half(name: &str, stem: &str, all: &[&str]) -> bool {
    let is_private = |name: &str| name.contains("private") || name.contains("secret");
    !is_private(name)
        && all.iter().map(|other| other.to_ascii_lowercase()).any(|other| {
            other != name
                && is_private(&other)
                && (other.ends_with("key")
                    || other.strip_prefix(stem) == Some("secret")
                    || other.strip_prefix(name).is_some_and(|rest| rest.ends_with("secret")))
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::credentials::CredentialSources;

    fn provider(sources: Vec<(String, SecretSource)>) -> Provider {
        let credentials = Arc::new(CredentialSources::new(sources));
        Provider { credentials, ..Provider::sample("p") }
    }

    fn of_names(names: &[&str], retry: Retry) -> String {
        let variable =
            |name: &&str| SecretSource::Environment(format!("CRM_{}", name.to_ascii_uppercase()));
        let sources = names.iter().map(|name| ((*name).to_owned(), variable(name)));
        renew(&provider(sources.collect()), retry)
    }

    #[test]
    fn a_next_credential_is_corrected_in_its_own_table() {
        let source = SecretSource::File("x".into());
        let mut provider = provider(vec![("client_secret".into(), source)]);
        provider.slot = Slot::Next;
        let text = renew(&provider, Retry::Daemon);
        assert!(text.contains("the file of `credentials_next.client_secret`"), "{text}");
    }

    #[test]
    fn a_new_secret_goes_to_the_inputs_whose_names_say_that_they_are_secret() {
        for (names, secret) in [
            (&["client_id", "client_secret", "account"][..], &["client_secret"][..]),
            (&["client_id", "private_key", "key_id"], &["private_key"]),
            (&["client_secret", "key_id", "private_key"], &["client_secret", "private_key"]),
            (&["username", "password"], &["password"]),
            (&["app_key", "app_secret"], &["app_secret"]),
            (&["key", "secret"], &["secret"]),
            (&["api_key", "api_key_secret"], &["api_key_secret"]),
            (&["token_name", "token_secret"], &["token_secret"]),
            (&["role_id", "secret_id"], &["secret_id"]),
            (&["access_key", "secret_key"], &["secret_key"]),
            (&["integration_key", "user_id", "private_key"], &["private_key"]),
            (
                &["application_key", "application_secret", "consumer_key"],
                &["application_secret", "consumer_key"],
            ),
            (&["api_key", "application_key"], &["api_key", "application_key"]),
            (&["user", "pin"], &["user", "pin"]),
        ] {
            let places: Vec<String> = secret
                .iter()
                .map(|name| {
                    format!("the environment variable `CRM_{}` of `{name}`", name.to_uppercase())
                })
                .collect();
            assert_eq!(
                of_names(names, Retry::Daemon),
                format!("Put the valid one in {}, then restart credwatch.", places.join(" or "))
            );
        }
        let many = of_names(&["a_key", "b_key", "c_key", "d_key"], Retry::Daemon);
        assert_eq!(many, "Put the valid one in its place, then restart credwatch.");
    }

    #[test]
    fn a_person_without_a_daemon_restarts_nothing() {
        assert_eq!(
            of_names(&["password"], Retry::Person),
            "Put the valid one in the environment variable `CRM_PASSWORD` of `password`, then try \
             again."
        );
    }

    #[test]
    fn a_new_secret_is_said_to_be_tried_when_its_source_is_read_again() {
        let step = |source| {
            let id = SecretSource::Environment("ID".into());
            let sources = vec![("client_id".to_owned(), id), ("client_secret".to_owned(), source)];
            renew(&provider(sources), Retry::Daemon)
        };
        let file = step(SecretSource::File("secret".into()));
        assert!(file.ends_with("`client_secret`; credwatch tries it within seconds."), "{file}");
        let systemd = step(SecretSource::Systemd("secret".into()));
        assert!(systemd.ends_with("then restart credwatch."), "{systemd}");
        let command = step(SecretSource::Command(vec!["/bin/secret".into()]));
        assert!(command.ends_with("within one `interval`."), "{command}");
        // The name of a variable can be the secret itself.
        let pasted = step(SecretSource::Environment("kX9canaryQ7zT2".into()));
        assert!(!pasted.contains("canary"), "{pasted}");
    }
}
