//! The story of the demo: the events at the fake APIs and their times.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::Behaviour;
use super::server::Fake;
use crate::diagnostic::Source;
use crate::document::{self, Schema};
use crate::time::Span;

/// The TOML form of a story.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Story {
    /// The configuration of the daemon.
    pub configuration: String,
    /// The events, in the order of time. The time of the last is the length of the story.
    pub steps: Vec<Step>,
}

/// One event.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// The time from the start of the story.
    pub at: Option<Span>,
    /// The API.
    pub api: Option<String>,
    /// The API returns this answer from now on. Without any change it answers regularly again.
    pub answer: Option<String>,
    /// The API does not answer from now on.
    pub silent: bool,
    /// Whether the secret is revoked from now on.
    pub revoked: Option<bool>,
    /// The lifetime of tokens from now on.
    pub lifetime: Option<Span>,
    /// The text for the person who watches the demo.
    pub say: String,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of::<Story>);

impl Story {
    /// The built-in story.
    ///
    /// # Panics
    /// When `story.toml` is invalid. A test checks that it is not.
    #[must_use]
    pub fn builtin() -> Self {
        let source = Arc::new(Source::new("<built-in story>", include_str!("story.toml")));
        let (story, faults): (Self, _) = document::read(&source, &SCHEMA, |_| ());
        assert!(faults.is_empty(), "the built-in story is broken: {}", faults[0]);
        story
    }

    /// The configuration with the address of the fake, and with the folder of [`Self::FILES`].
    #[must_use]
    pub fn configuration(&self, fake: &Fake, folder: &Path) -> String {
        let address = format!("http://{}", fake.address);
        self.configuration.replace("FAKE", &address).replace("FOLDER", &folder.to_string_lossy())
    }

    /// A client certificate that has ended, and its key.
    pub const FILES: [(&str, &str); 2] =
        [("client.pem", include_str!("ended.pem")), ("client.key", include_str!("ended.key"))];
}

impl Step {
    /// The time from the start of the story.
    #[must_use]
    pub fn offset(&self) -> Duration {
        self.at.map_or(Duration::ZERO, |span| span.0)
    }

    /// Applies the event.
    pub fn happen(&self, fake: &Fake) {
        let Some(api) = &self.api else { return };
        if let Some(revoked) = self.revoked {
            fake.revoke(api, revoked);
        } else if let Some(lifetime) = self.lifetime {
            fake.lifetime(api, Some(lifetime.0));
        } else if self.silent {
            fake.behave(api, Behaviour::Silent);
        } else {
            fake.behave(api, self.answer.clone().map_or(Behaviour::Regular, Behaviour::Answer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_story_can_be_played_and_its_configuration_is_valid() {
        let (fake, story) = (Fake::start().await.expect("a port"), Story::builtin());
        for step in &story.steps {
            step.happen(&fake);
        }
        assert!(
            story.steps.windows(2).all(|pair| pair[0].offset() <= pair[1].offset()),
            "steps are in the order of time"
        );
        assert!(
            story.steps.last().is_some_and(|last| last.offset() <= Duration::from_secs(120)),
            "within two minutes"
        );
        assert!(story.configuration(&fake, Path::new("x")).contains("http://127.0.0.1:"));
    }
}
