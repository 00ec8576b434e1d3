//! The request that a sample shows.

/// What one `-d` or similar option adds to the body.
#[derive(Clone, PartialEq, Eq)]
pub enum Piece {
    /// Sent as it is.
    Raw(String),
    /// `--data-urlencode`: a name, which may be empty, and the value before its encoding.
    Plain(String, String),
}

/// A further command in the text.
pub struct Other {
    /// Its URL.
    pub url: String,
    /// Whether it sends a token, so it comes after the token request.
    pub uses_a_token: bool,
}

/// The request of a command. Holds the secrets that the command holds: no `Debug`.
#[derive(Default)]
pub struct Sample {
    /// `-X`.
    pub method: Option<String>,
    /// The URL as it is written.
    pub url: String,
    /// `-H`. A header without a value is left out, because curl does not send it.
    pub headers: Vec<(String, String)>,
    /// `-u`.
    pub user: Option<String>,
    /// `-d` and similar options.
    pub data: Vec<Piece>,
    /// `--json`.
    pub is_json: bool,
    /// `-F`: the data is a multipart form.
    pub is_multipart: bool,
    /// `-G`: the data goes into the URL and not into the body.
    pub get: bool,
    /// Further commands in the same text.
    pub others: Vec<Other>,
    /// What the author of the recipe should know.
    pub notes: Vec<String>,
}

impl Sample {
    /// The method in capitals.
    #[must_use]
    pub fn method(&self) -> String {
        let usual = if self.data.is_empty() || self.get { "GET" } else { "POST" };
        self.method.as_deref().unwrap_or(usual).to_ascii_uppercase()
    }

    /// Whether the method is one that changes nothing (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self.method().as_str(), "GET" | "HEAD")
    }

    /// The URL without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }

    /// The texts of the body.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.data.iter().map(|piece| match piece {
            Piece::Raw(text) | Piece::Plain(_, text) => text.as_str(),
        })
    }

    /// Whether the request sends a token.
    fn uses_a_token(&self) -> bool {
        self.headers.iter().any(|(name, value)| {
            let (name, value) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
            let scheme = value.split(' ').next().unwrap_or_default();
            name == "authorization" && matches!(scheme, "bearer" | "token" | "oauth")
                || name.ends_with("token")
                || name == "cookie"
        })
    }

    /// How much the request looks like one for a token.
    #[must_use]
    pub fn likeness(&self) -> i32 {
        const WORDS: [&str; 8] =
            ["token", "login", "logon", "auth", "session", "sign", "connect", "ticket"];
        let has_grant = |text: &str| text.contains("grant_type");
        let grant = has_grant(&self.url)
            || self.data.iter().any(|piece| match piece {
                Piece::Raw(text) | Piece::Plain(text, _) => has_grant(text),
            });
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let is_named = WORDS.iter().any(|word| last.contains(word));
        3 * i32::from(grant) + 2 * i32::from(is_named) + i32::from(!self.data.is_empty())
            - 3 * i32::from(self.uses_a_token())
    }

    /// What another draft says of this command.
    #[must_use]
    pub fn as_other(&self) -> Other {
        Other { url: self.url.clone(), uses_a_token: self.uses_a_token() }
    }
}
