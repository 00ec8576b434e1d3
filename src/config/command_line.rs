//! Inputs of a provider from the command line. They take precedence over those of the files.

use std::path::{Path, PathBuf, absolute};

use toml::Spanned;

use super::file::Provider;
use crate::document::At;
use crate::provider::Slot;
use crate::recipe::Recipe;
use crate::recipe::definition::{Ordered, Scalar};

/// The inputs of the command line.
#[derive(Default)]
pub struct TrialInputs {
    /// The name of the recipe, or of the provider in the file; needed only when it has several.
    pub name: Option<String>,
    /// Parameters by name.
    pub parameters: Vec<(String, String)>,
    /// The sources of the credentials, by name.
    pub credentials: Vec<(String, TrialSource)>,
    /// The current or the next credentials of a provider in the file.
    pub slot: Slot,
}

/// The source of a credential.
pub enum TrialSource {
    /// An environment variable.
    Environment(String),
    /// A file.
    File(PathBuf),
    /// A program with its arguments.
    Command(Vec<String>),
}

impl TrialInputs {
    /// Whether there is an input.
    #[must_use]
    pub fn has_inputs(&self) -> bool {
        !self.parameters.is_empty() || !self.credentials.is_empty()
    }

    /// Whether the command line names this provider.
    #[must_use]
    pub fn names(&self, provider: &str) -> bool {
        self.name.as_deref() == Some(provider)
    }

    /// Whether the command line names the recipe of this provider, or nothing.
    #[must_use]
    pub fn names_recipe(&self, provider: &Provider) -> bool {
        let recipe = provider.recipe.as_ref().map(|text| text.0.get_ref());
        self.name.is_none() || self.name.as_ref() == recipe
    }

    /// The inputs as a `[providers.NAME]` table.
    #[must_use]
    pub fn text(&self, recipe: &Recipe) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| {
            let path = absolute(path).unwrap_or_else(|_| path.to_owned());
            quoted(&path.to_string_lossy())
        };
        let name = quoted(&recipe.name);
        let mut text = format!("[providers.{name}]\nrecipe = {name}\n");
        for (name, value) in &self.parameters {
            // The type of the default decides whether the text is a number, a boolean or a string.
            let default = recipe
                .parameters
                .iter()
                .find(|(known, _)| known == name)
                .and_then(|(_, parameter)| parameter.default.as_ref());
            let plain = match default {
                Some(Scalar::Integer(_)) => value.parse::<i64>().is_ok(),
                Some(Scalar::Boolean(_)) => value.parse::<bool>().is_ok(),
                _ => false,
            };
            let value = if plain { value.clone() } else { quoted(value) };
            text.push_str(&format!("parameters.{} = {value}\n", quoted(name)));
        }
        for (name, source) in &self.credentials {
            let source = match source {
                TrialSource::Environment(variable) => format!("env = {}", quoted(variable)),
                TrialSource::File(file) => format!("file = {}", path(file)),
                TrialSource::Command(words) => {
                    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                    format!("command = [{}]", words.join(", "))
                }
            };
            text.push_str(&format!("credentials.{} = {{ {source} }}\n", quoted(name)));
        }
        text
    }

    /// Puts the inputs into the table of a provider, whose name is at `place`. `typed` is what
    /// [`TrialInputs::text`] says.
    pub fn replace(&self, provider: &mut Provider, typed: Provider, place: std::ops::Range<usize>) {
        let at = |name: &Spanned<String>| Spanned::new(place.clone(), name.get_ref().clone());
        for (name, value) in typed.parameters.0 {
            let value = At(Spanned::new(place.clone(), value.0.into_inner()));
            put(&mut provider.parameters, at(&name), value);
        }
        let credentials = match self.slot {
            Slot::Current => &mut provider.credentials,
            Slot::Next => &mut provider.credentials_next,
        };
        for (name, value) in typed.credentials.0 {
            put(credentials, at(&name), value);
        }
    }
}

fn put<V>(table: &mut Ordered<V>, name: Spanned<String>, value: V) {
    table.0.retain(|(known, _)| known.get_ref() != name.get_ref());
    table.0.push((name, value));
}
