//! `basic_auth_users`: names with bcrypt hashes, and the check of a login against them.
//!
//! Passwords and hashes have types without `Debug`. The time of a refusal does not show whether the
//! user exists.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::definition::Text;
use super::report::Report;
use crate::diagnostic::{Sentence, Shown};
use crate::threads::Threads;
use crate::turns::Turns;

/// The valid costs of bcrypt. Each step doubles the time.
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

/// Above this cost a login takes seconds.
const COSTLY: u32 = 14;

/// The most passwords that are hashed at the same time. Hashing is slow on purpose, and probes need
/// the processor too.
const HASHED_AT_ONCE: usize = 1;

/// The most logins that wait until their password is hashed: more than all connections, so that
/// guesses wait and do not repeat.
const MOST_WAITING: usize = 512;

/// The longest time that a login waits for its turn. Long, because a user who is not remembered
/// shares the turns with all guesses.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The most remembered logins. Only correct ones are remembered, so few users need more.
const REMEMBERED: usize = 256;

/// The users of one configuration.
#[derive(Default)]
pub struct Users {
    hashes: HashMap<String, Arc<SecretString>>,
    /// The hashes alone, in the order of the file.
    all: Vec<Arc<SecretString>>,
}

impl Users {
    /// Checks the users of a file.
    #[must_use]
    pub fn check(users: &[(Text, Text)], report: &mut Report) -> Self {
        let mut checked = Self::default();
        for (name, hash) in users {
            let cost = hash.value.parse::<bcrypt::HashParts>().ok().map(|parts| parts.get_cost());
            if !cost.is_some_and(|cost| COSTS.contains(&cost)) {
                report.error(
                    &hash.span,
                    Sentence::fill(
                        "expected the bcrypt hash of the password of `{}`, 60 characters \
                        that begin with $2",
                        [Shown::name(&name.value)],
                    ),
                    "`htpasswd -nBC 10 \"\" | tr -d ':\\n'` asks for a password and prints its \
                     hash",
                );
                continue;
            }
            if cost.is_some_and(|cost| cost > COSTLY) {
                report.warn(
                    &hash.span,
                    Sentence::fill(
                        "with a cost above {} a login takes seconds",
                        [Shown::outside_of_files(COSTLY)],
                    ),
                    "10 to 12 is usual",
                );
            }
            if name.value.contains(':') {
                report.warn(
                    &name.span,
                    "a user name with a colon cannot log in",
                    "choose another name",
                );
            }
            let hash = Arc::new(SecretString::from(hash.value.as_str()));
            checked.all.push(Arc::clone(&hash));
            checked.hashes.insert(name.value.clone(), hash);
        }
        checked
    }

    /// Whether no login is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// The number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The hash of a user and `true`. For an unknown name, the hash of another user and `false`, so
    /// that the check takes as long as for a known name. The same name always gets the same hash.
    fn hash(&self, name: &str, secret: &Key) -> Option<(Arc<SecretString>, bool)> {
        // Computed for known names too, so that both take the same time.
        let digest = keyed(secret, &[name.as_bytes()]);
        let substitute = usize::from_be_bytes(
            digest[..size_of::<usize>()].try_into().expect("a digest is longer"),
        );
        match self.hashes.get(name) {
            Some(hash) => Some((Arc::clone(hash), true)),
            None => self
                .all
                .get(substitute.checked_rem(self.all.len())?)
                .map(|hash| (Arc::clone(hash), false)),
        }
    }
}

/// The result of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// Name and password are correct, or no login is needed.
    Admitted,
    /// They are wrong or missing.
    Refused,
    /// Too many logins are waiting.
    Busy,
}

/// Checks logins. The process has one, so that its limits hold across reloads.
pub struct Logins {
    /// Random for each process, so that the digests are useless elsewhere.
    secret: Key,
    /// Digests of name, password and stored hash of correct logins. A new hash changes the digest.
    right: Mutex<HashSet<[u8; 32]>>,
    turns: Turns,
    threads: Threads,
}

impl Default for Logins {
    fn default() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        key[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self {
            secret: Key::new(HMAC_SHA256, &*key),
            right: Mutex::default(),
            turns: Turns::new(HASHED_AT_ONCE, MOST_WAITING),
            threads: Threads::with_low_priority(),
        }
    }
}

impl Logins {
    /// Whether the login of a request is remembered as a right one.
    #[must_use]
    pub fn remembers(&self, users: &Users, header: Option<&HeaderValue>) -> bool {
        self.attempt(users, header).is_some_and(|attempt| self.is_right(&attempt))
    }

    fn is_right(&self, attempt: &Attempt) -> bool {
        let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        attempt.known && right.contains(&attempt.digest)
    }

    /// The login of a request; `None` without users and without a login that can be read.
    fn attempt(&self, users: &Users, header: Option<&HeaderValue>) -> Option<Attempt> {
        if users.is_empty() {
            return None;
        }
        let (name, password) = credentials(header?)?;
        let (hash, known) = users.hash(&name, &self.secret)?;
        let parts = [name.as_bytes(), &password, hash.expose_secret().as_bytes()];
        let digest = keyed(&self.secret, &parts);
        Some(Attempt { password, hash, known, digest })
    }

    /// Checks the header `Authorization` of one request.
    pub async fn check(&self, users: &Users, header: Option<&HeaderValue>) -> Login {
        if users.is_empty() {
            return Login::Admitted;
        }
        let Some(attempt) = self.attempt(users, header) else { return Login::Refused };
        if self.is_right(&attempt) {
            return Login::Admitted;
        }
        let Attempt { password, hash, known, digest } = attempt;
        let Some(turn) = self.turns.take(LONGEST_WAIT).await else { return Login::Busy };
        let is_right = self.threads.call(move || {
            // Held until the hashing ends, even if the client has disconnected.
            let _turn = turn;
            bcrypt::verify(&*password, hash.expose_secret()).unwrap_or(false)
        });
        if is_right.await != Some(true) || !known {
            return Login::Refused;
        }
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED {
            right.clear();
        }
        right.insert(digest);
        Login::Admitted
    }
}

/// One login. It holds a password, so it has no `Debug`.
struct Attempt {
    password: Zeroizing<Vec<u8>>,
    /// The hash of the user, or that of another one.
    hash: Arc<SecretString>,
    /// Whether there is such a user.
    known: bool,
    /// The digest of name, password and hash.
    digest: [u8; 32],
}

/// Name and password of a Basic header (RFC 7617).
fn credentials(header: &HeaderValue) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let (scheme, encoded) = header.as_bytes().split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let decoded = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(&decoded[..colon]).into_owned();
    Some((name, Zeroizing::new(decoded[colon + 1..].to_vec())))
}

/// A digest of several parts that keeps their boundaries.
fn keyed(secret: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = hmac::Context::with_key(secret);
    for part in parts {
        mac.update(&part.len().to_be_bytes());
        mac.update(part);
    }
    mac.sign().as_ref().try_into().expect("SHA-256 makes 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    fn users(pairs: &[(&str, &str)]) -> Users {
        let mut report = Report {
            source: Arc::new(Source::new("w.yml", "")),
            faults: Vec::new(),
            warnings: Vec::new(),
        };
        let text = |value: &str| Text { value: value.to_owned(), span: 0..0 };
        let pairs: Vec<_> = pairs.iter().map(|(name, hash)| (text(name), text(hash))).collect();
        let users = Users::check(&pairs, &mut report);
        assert!(report.faults.is_empty());
        users
    }

    fn basic(login: &str) -> HeaderValue {
        format!("bAsIc {}", STANDARD.encode(login)).parse().expect("a header")
    }

    #[tokio::test]
    async fn only_the_correct_password_of_a_known_user_is_admitted_and_remembered() {
        let (one, other) =
            (bcrypt::hash("one:1", 4).expect("hashed"), bcrypt::hash("other", 4).expect("hashed"));
        let users = users(&[("ann", &one), ("bob", &other)]);
        let logins = Logins::default();
        for (login, expected) in [
            ("ann:one:1", Login::Admitted),
            ("ann:one:1", Login::Admitted),
            ("ann:other", Login::Refused),
            ("bob:one:1", Login::Refused),
            ("bob:", Login::Refused),
            ("eve:other", Login::Refused),
            ("eve:one:1", Login::Refused),
            (":", Login::Refused),
            ("no colon", Login::Refused),
        ] {
            assert_eq!(logins.check(&users, Some(&basic(login))).await, expected, "{login}");
        }
        assert_eq!(
            logins.right.lock().expect("not poisoned").len(),
            1,
            "wrong logins are not remembered"
        );
        for header in ["", "Basic", "Basic !", "Bearer YW5uOm9uZTox"] {
            assert_eq!(
                logins.check(&users, Some(&header.parse().expect("a header"))).await,
                Login::Refused,
                "{header}"
            );
        }
        assert_eq!(logins.check(&users, None).await, Login::Refused);
        assert_eq!(logins.check(&Users::default(), None).await, Login::Admitted);
    }

    #[tokio::test]
    async fn hashes_of_other_programs_are_understood() {
        // Made by crypt(3) of libxcrypt. Of a password bcrypt sees 72 bytes.
        const COLON: &str = "pässword:with-colon";
        for (hash, password) in [
            ("$2y$10$abcdefghijklmnopqrstuuLL/yj83dfjz.vJ1Q40f2H5zyNqFutFS", "change-me"),
            ("$2b$04$N9qo8uLOickgx2ZMRZoMye.J7O4wLxXAW1QOjUbtajIGzqCoN0xhe", COLON),
            ("$2a$04$N9qo8uLOickgx2ZMRZoMyedlslr.Jty7xCSm4JGSxc8PDTmSzo582", &"x".repeat(80)),
        ] {
            let users = users(&[("ann", hash)]);
            assert_eq!(
                Logins::default().check(&users, Some(&basic(&format!("ann:{password}")))).await,
                Login::Admitted,
                "{hash}"
            );
        }
    }

    #[tokio::test]
    async fn a_new_hash_invalidates_remembered_logins() {
        let logins = Logins::default();
        let before = users(&[("ann", &bcrypt::hash("old", 4).expect("hashed"))]);
        assert_eq!(logins.check(&before, Some(&basic("ann:old"))).await, Login::Admitted);
        let after = users(&[("ann", &bcrypt::hash("new", 4).expect("hashed"))]);
        assert_eq!(logins.check(&after, Some(&basic("ann:old"))).await, Login::Refused);
        assert_eq!(logins.check(&after, Some(&basic("ann:new"))).await, Login::Admitted);
    }

    #[test]
    fn an_unknown_name_is_checked_against_the_hash_of_another_user() {
        let hashes: Vec<String> =
            (4..8).map(|cost| bcrypt::hash("x", cost).expect("hashed")).collect();
        let users =
            users(&[("a", &hashes[0]), ("b", &hashes[1]), ("c", &hashes[2]), ("d", &hashes[3])]);
        let secret = Logins::default().secret;
        let mut seen = HashSet::new();
        for name in (0..100).map(|number| format!("nobody-{number}")) {
            let (hash, known) = users.hash(&name, &secret).expect("there are users");
            let again = users.hash(&name, &secret).expect("there are users").0;
            assert!(!known && hash.expose_secret() == again.expose_secret());
            seen.insert(hash.expose_secret().to_owned());
        }
        assert_eq!(seen.len(), 4);
    }
}
