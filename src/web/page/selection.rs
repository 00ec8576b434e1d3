//! What part of the providers a page shows. It is all in the address, so that it works without a
//! script, can be kept as a bookmark and sent to a colleague.

use url::form_urlencoded;

use crate::outcome::Failure;
use crate::provider::Provider;
use crate::state::State;

/// Words and labels that are looked at: more is no search.
const MOST: usize = 10;

/// One of the groups that can be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facet {
    /// Those in a state.
    In(State),
    /// Those whose credential that is to follow is broken.
    NextBroken,
    /// Those with a secret or a certificate that ends soon.
    Ending,
}

impl Facet {
    /// All of them, the urgent ones first.
    pub const ALL: [Self; 6] = [
        Self::In(State::Broken),
        Self::In(State::Failing),
        Self::NextBroken,
        Self::Ending,
        Self::In(State::Unknown),
        Self::In(State::Healthy),
    ];

    /// The word in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::In(state) => state.word(),
            Self::NextBroken => "next-broken",
            Self::Ending => "ending",
        }
    }

    /// The words on the page.
    pub fn title(self) -> &'static str {
        match self {
            Self::In(State::Broken) => "Broken",
            Self::In(State::Failing) => "Failing",
            Self::In(State::Unknown) => "Unknown",
            Self::In(State::Healthy) => "Healthy",
            Self::NextBroken => "Next one broken",
            Self::Ending => "Ends soon",
        }
    }
}

/// The choice that an address makes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// One group only.
    pub facet: Option<Facet>,
    /// Words, all of which must be found.
    pub text: String,
    /// Labels, all of which a provider must have: name and value.
    pub labels: Vec<(String, String)>,
    /// The page, from 1 on.
    pub page: usize,
}

impl Selection {
    /// Reads the query of an address. A page that is none is the first one.
    ///
    /// # Errors
    /// A sentence, when a filter is not understood: showing everybody instead would look like an
    /// answer.
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
                        format!("There is no state “{value}”; there are {}.", words.join(", "))
                    })?);
                }
                "q" => value.trim().clone_into(&mut selection.text),
                "label" if selection.labels.len() < MOST => {
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

    /// The address, relative to the page at `/`.
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

    /// The same with another group, from its first page.
    pub fn with_facet(&self, facet: Option<Facet>) -> Self {
        Self { facet, page: 1, ..self.clone() }
    }

    /// The same with one more label.
    pub fn with_label(&self, name: &str, value: &str) -> Self {
        let mut other = self.without_label(name, value);
        other.labels.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same without a label.
    pub fn without_label(&self, name: &str, value: &str) -> Self {
        let labels = self
            .labels
            .iter()
            .filter(|label| (label.0.as_str(), label.1.as_str()) != (name, value))
            .cloned()
            .collect();
        Self { labels, page: 1, ..self.clone() }
    }

    /// The same on another page.
    pub fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// Whether it leaves anybody out.
    pub fn narrows(&self) -> bool {
        self.facet.is_some() || !self.text.is_empty() || !self.labels.is_empty()
    }

    /// The part of it that does not look at the state, ready to be asked often.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            words: self.text.split_whitespace().take(MOST).map(str::to_lowercase).collect(),
            labels: &self.labels,
        }
    }
}

/// Words and labels that are looked for.
pub struct Wanted<'a> {
    words: Vec<String>,
    labels: &'a [(String, String)],
}

impl Wanted<'_> {
    /// Whether a provider is meant. Words are looked for in its name, recipe, labels and in what is
    /// wrong with it.
    pub fn meets(&self, provider: &Provider, failure: Option<&Failure>) -> bool {
        self.labels.iter().all(|label| provider.labels.contains(label))
            && self.words.iter().all(|word| found(word, provider, failure))
    }
}

fn found(word: &str, provider: &Provider, failure: Option<&Failure>) -> bool {
    let within = |text: &str| text.to_lowercase().contains(word);
    within(&provider.name)
        || within(&provider.recipe.name)
        || provider.labels.iter().any(|(name, value)| within(&format!("{name}={value}")))
        || failure.is_some_and(|failure| {
            within(failure.reason.word())
                || within(failure.code.as_str())
                || within(failure.message.as_str())
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
    fn what_an_address_leaves_open_or_gets_wrong_is_told_apart() {
        assert_eq!(parsed("state=&q=++&label=&page=&utm=1").address(), "./");
        assert_eq!(
            [parsed("page=0").page, parsed("page=-1").page, parsed("page=x").page],
            [1, 1, 1]
        );
        assert!(Selection::parse("state=brocken").expect_err("no such state").contains("broken"));
        assert!(Selection::parse("label=team").expect_err("no label").contains("NAME=VALUE"));
    }

    #[test]
    fn another_choice_begins_on_its_first_page() {
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
    fn every_word_and_every_label_must_be_found() {
        let provider = provider("Billing-API", &[("team", "billing"), ("env", "prod")]);
        let failure = Failure::new(Reason::Rejected, "The secret has expired")
            .code(Code::word("invalid_client"));
        let meets = |query: &str, failure| parsed(query).wanted().meets(&provider, failure);
        for query in [
            "",
            "q=billing",
            "q=API+bill",
            "q=team%3Dbill",
            "q=oauth2",
            "label=team%3Dbilling&label=env%3Dprod",
        ] {
            assert!(meets(query, None), "{query}");
        }
        for query in ["q=rejected", "q=INVALID_client", "q=secret+expired+billing"] {
            assert!(meets(query, Some(&failure)) && !meets(query, None), "{query}");
        }
        for query in [
            "q=nobody",
            "q=billing+nobody",
            "label=team%3Dbill",
            "label=team%3Dbilling&label=env%3Dtest",
        ] {
            assert!(!meets(query, Some(&failure)), "{query}");
        }
    }
}
