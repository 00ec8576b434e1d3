//! Whether secrets have changed over a restart, where no file tells it by its time.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::read::CredentialSources;
use super::source::SecretSource;

/// A key that never changes, so that many saved states tell no more than one.
const KEY: &[u8] = b"credwatch: whether secrets have changed over a restart";

impl CredentialSources {
    /// One byte of a keyed hash of those values that stand in environment variables and systemd
    /// credentials; `None` when there are none. The state directory may hold it: of all wrong
    /// guesses of a secret, one in 256 has the same byte.
    #[must_use]
    pub fn mark(&self, values: &[(String, SecretString)]) -> Option<u8> {
        let values = self.iter().zip(values).filter(|((_, source), _)| is_copy(source));
        mark_of(values.map(|(_, (_, value))| value))
    }

    /// The same of the values as they can be read now on this thread; `None` also when one of
    /// them cannot be read.
    #[must_use]
    pub fn mark_now(&self) -> Option<u8> {
        let copies = self.iter().filter(|(_, source)| is_copy(source));
        let values: Option<Vec<_>> = copies.map(|(_, source)| source.read()?.ok()).collect();
        mark_of(values?.iter())
    }
}

/// Whether the daemon gets the value at its start, without the time of its last change.
fn is_copy(source: &SecretSource) -> bool {
    matches!(source, SecretSource::Environment(_) | SecretSource::Systemd(_))
}

fn mark_of<'a>(values: impl Iterator<Item = &'a SecretString>) -> Option<u8> {
    let values: Vec<&str> = values.map(ExposeSecret::expose_secret).collect();
    let joined = Zeroizing::new(values.join("\0"));
    let digest = (!values.is_empty()).then(|| sign(&Key::new(HMAC_SHA256, KEY), joined.as_bytes()));
    digest?.as_ref().first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sources: Vec<SecretSource>, values: &[&str]) -> Option<u8> {
        let named = |source| ("name".to_owned(), source);
        let sources = CredentialSources::new(sources.into_iter().map(named).collect());
        let values = values.iter().map(|value| ("name".to_owned(), SecretString::from(*value)));
        sources.mark(&values.collect::<Vec<_>>())
    }

    /// The expected bytes are from `openssl dgst -sha256 -hmac KEY`.
    #[test]
    fn the_mark_is_one_byte_and_depends_on_the_values_without_a_time_alone() {
        let variable = || SecretSource::Environment("NAME".into());
        let systemd = || SecretSource::Systemd("name".into());
        let file = || SecretSource::File("/run/secret".into());
        assert_eq!(mark(vec![variable()], &["s3cret"]), Some(0x8b));
        assert_eq!(mark(vec![file(), systemd()], &["other", "s3cret"]), Some(0x8b));
        assert_eq!(mark(vec![variable(), systemd()], &["s3", "cret"]), Some(0x26));
        assert_eq!(mark(vec![file()], &["s3cret"]), None);
    }

    #[test]
    fn values_that_cannot_be_read_have_no_mark() {
        let named = |source| ("name".to_owned(), source);
        let path = || SecretSource::Environment("PATH".into());
        let missing = SecretSource::Environment("CREDWATCH_NOT_SET".into());
        let both = CredentialSources::new(vec![named(path()), named(missing)]);
        assert_eq!(both.mark_now(), None);
        let value = std::env::var("PATH").expect("it is set");
        let alone = CredentialSources::new(vec![named(path())]);
        assert_eq!(alone.mark_now(), mark(vec![path()], &[value.trim()]));
        assert!(alone.mark_now().is_some());
    }
}
