//! Which providers a page shows. The address holds the whole selection, so it works without a
//! script, as a bookmark and in a message to a colleague.

use url::form_urlencoded;

use crate::outcome::Failure;
use crate::provider::Provider;
use crate::state::State;

/// The maximum number of words, and of labels, in a selection; more are ignored.
const MAX_TERMS: usize = 10;

/// A group of providers that the page can show alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// The providers in a state.
    In(State),
    /// The providers that are paused. They are in no other group.
    Paused,
    /// The providers whose next credential is broken.
    NextBroken,
    /// The providers with a secret or a certificate that expires soon.
    Ending,
}

impl Facet {
    /// All groups, the most urgent first.
    pub const ALL: [Self; 7] = [
        Self::In(State::Broken),
        Self::In(State::Failing),
        Self::NextBroken,
        Self::Ending,
        Self::In(State::Unknown),
        Self::In(State::Healthy),
        Self::Paused,
    ];

    /// The name of the group in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::In(state) => state.word(),
            Self::Paused => "paused",
            Self::NextBroken => "next-broken",
            Self::Ending => "ending",
        }
    }

    /// The title of the group on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::In(State::Broken) => "Broken",
            Self::In(State::Failing) => "Failing",
            Self::In(State::Unknown) => "Unknown",
            Self::In(State::Healthy) => "Healthy",
            Self::Paused => "Paused",
            Self::NextBroken => "Next credential broken",
            Self::Ending => "Expires soon",
        }
    }
}

/// The selection of providers in an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The only group to show; `None` for all groups.
    pub facet: Option<Facet>,
    /// The words to search, separated by spaces. A provider must match all of them.
    pub text: String,
    /// Names and values of labels. A provider must have all of them.
    pub labels: Vec<(String, String)>,
    /// The number of the page, from 1.
    pub page: usize,
}

impl Selection {
    /// Reads the query of an address. An invalid page number means the first page.
    ///
    /// # Errors
    /// A sentence when a filter is invalid. A list of all providers could be mistaken for a result.
    pub fn parse(query: &str) -> Result<Self, String> {
        let mut selection = Self { page: 1, ..Self::default() };
        for (name, value) in
            form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty())
        {
            match &*name {
                "state" => {
                    let facet = Facet::ALL.into_iter().find(|facet| facet.word() == value);
                    let words: Vec<&str> = Facet::ALL.into_iter().map(Facet::word).collect();
                    selection.facet = Some(facet.ok_or_else(|| {
                        format!(
                            "There is no state “{value}”; expected one of {}.",
                            words.join(", ")
                        )
                    })?);
                }
                "q" => value.trim().clone_into(&mut selection.text),
                "label" if selection.labels.len() < MAX_TERMS => {
                    let (name, value) = value.split_once('=').ok_or_else(|| {
                        format!("“{value}” is not a label; write label=NAME=VALUE.")
                    })?;
                    let label = (name.to_owned(), value.to_owned());
                    if !selection.labels.contains(&label) {
                        selection.labels.push(label);
                    }
                }
                "page" => selection.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        Ok(selection)
    }

    /// The address of this selection, relative to `/`.
    pub fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(facet) = self.facet {
            query.append_pair("state", facet.word());
        }
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        for (name, value) in &self.labels {
            query.append_pair("label", &format!("{name}={value}"));
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "./".into() } else { format!("./?{query}") }
    }

    /// The first page of this selection with another group.
    pub fn with_facet(&self, facet: Option<Facet>) -> Self {
        Self { facet, page: 1, ..self.clone() }
    }

    /// This selection with one more label.
    pub fn with_label(&self, name: &str, value: &str) -> Self {
        let mut other = self.without_label(name, value);
        other.labels.push((name.to_owned(), value.to_owned()));
        other
    }

    /// This selection without a label.
    pub fn without_label(&self, name: &str, value: &str) -> Self {
        let labels = self
            .labels
            .iter()
            .filter(|label| (label.0.as_str(), label.1.as_str()) != (name, value))
            .cloned()
            .collect();
        Self { labels, page: 1, ..self.clone() }
    }

    /// Another page of this selection.
    pub fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// Whether the selection has a filter.
    pub fn is_filtered(&self) -> bool {
        self.facet.is_some() || !self.text.is_empty() || !self.labels.is_empty()
    }

    /// The words and labels, prepared so that many providers can be compared with them.
    pub fn filter(&self) -> Filter<'_> {
        Filter {
            words: self.text.split_whitespace().take(MAX_TERMS).map(str::to_lowercase).collect(),
            labels: &self.labels,
        }
    }
}

/// The words and labels that a provider must match.
pub struct Filter<'a> {
    words: Vec<String>,
    labels: &'a [(String, String)],
}

impl Filter<'_> {
    /// Whether a provider has all labels, and all words in its name, recipe, labels or current
    /// failure.
    pub fn matches(&self, provider: &Provider, failure: Option<&Failure>) -> bool {
        self.labels.iter().all(|label| provider.labels.contains(label))
            && self.words.iter().all(|word| contains(word, provider, failure))
    }
}

fn contains(word: &str, provider: &Provider, failure: Option<&Failure>) -> bool {
    let in_text = |text: &str| text.to_lowercase().contains(word);
    in_text(&provider.name)
        || in_text(&provider.recipe.name)
        || provider.labels.iter().any(|(name, value)| in_text(&format!("{name}={value}")))
        || failure.is_some_and(|failure| {
            in_text(failure.reason.word())
                || in_text(failure.code.as_str())
                || in_text(failure.message.as_str())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Code, Reason};
    use crate::web::page::samples::provider;

    fn parsed(query: &str) -> Selection {
        Selection::parse(query).expect(query)
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for address in [
            "./",
            "./?state=broken",
            "./?q=a+%26+b",
            "./?state=ending&q=x&label=team%3Dbilling&label=env%3D%3D&page=7",
        ] {
            assert_eq!(
                parsed(address.trim_start_matches("./").trim_start_matches('?')).address(),
                address
            );
        }
    }

    #[test]
    fn empty_filters_are_ignored_and_invalid_ones_are_refused() {
        assert_eq!(parsed("state=&q=++&label=&page=&utm=1").address(), "./");
        assert_eq!(
            [parsed("page=0").page, parsed("page=-1").page, parsed("page=x").page],
            [1, 1, 1]
        );
        assert!(Selection::parse("state=brocken").expect_err("no such state").contains("broken"));
        assert!(Selection::parse("label=team").expect_err("no label").contains("NAME=VALUE"));
    }

    #[test]
    fn a_changed_selection_begins_on_its_first_page() {
        let selection = parsed("q=x&label=a%3D1&page=3");
        assert_eq!(
            selection.with_facet(Some(Facet::In(State::Broken))).address(),
            "./?state=broken&q=x&label=a%3D1"
        );
        assert_eq!(
            selection.with_label("b", "2").with_label("b", "2").address(),
            "./?q=x&label=a%3D1&label=b%3D2"
        );
        assert_eq!(selection.without_label("a", "1").address(), "./?q=x");
        assert_eq!(selection.on_page(4).address(), "./?q=x&label=a%3D1&page=4");
    }

    #[test]
    fn a_provider_must_match_every_word_and_every_label() {
        let provider = provider("Billing-API", &[("team", "billing"), ("env", "prod")]);
        let failure = Failure::new(Reason::Rejected, "The secret has expired")
            .code(Code::word("invalid_client"));
        let matches = |query: &str, failure| parsed(query).filter().matches(&provider, failure);
        for query in [
            "",
            "q=billing",
            "q=API+bill",
            "q=team%3Dbill",
            "q=oauth2",
            "label=team%3Dbilling&label=env%3Dprod",
        ] {
            assert!(matches(query, None), "{query}");
        }
        for query in ["q=rejected", "q=INVALID_client", "q=secret+expired+billing"] {
            assert!(matches(query, Some(&failure)) && !matches(query, None), "{query}");
        }
        for query in [
            "q=other",
            "q=billing+other",
            "label=team%3Dbill",
            "label=team%3Dbilling&label=env%3Dtest",
        ] {
            assert!(!matches(query, Some(&failure)), "{query}");
        }
    }
}
