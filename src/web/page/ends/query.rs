//! Which ends a page shows. The address holds it all, as that of the list does.

use url::form_urlencoded;

use super::what::{Band, Source};
use crate::web::page::choice::one_of;
use crate::web::page::selection::Selection;

/// The parameters of the list that mean nothing here.
const OF_THE_LIST: [&str; 5] = ["state", "kind", "failure", "sort", "group"];

/// The selection of ends in an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    /// Which providers, and which page.
    pub providers: Selection,
    /// How near the end is; `None` for any.
    pub band: Option<Band>,
    /// Where the end stands; `None` for anywhere.
    pub source: Option<Source>,
}

impl Query {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// A sentence when a filter is invalid, or one of the list. All ends could be mistaken for a
    /// result.
    pub fn parse(query: &str) -> Result<Self, String> {
        let (mut band, mut source) = (None, None);
        for (name, value) in
            form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty())
        {
            match &*name {
                "band" => band = Some(one_of(&Band::ALL, Band::word, "band", &value)?),
                "source" => source = Some(one_of(&Source::ALL, Source::word, "source", &value)?),
                name if OF_THE_LIST.contains(&name) => {
                    return Err(format!(
                        "Ends have no filter “{name}”; expected one of band, source, label, \
                         owner, vendor, host, q, page."
                    ));
                }
                _ => {}
            }
        }
        Ok(Self { providers: Selection::parse(query)?, band, source })
    }

    /// Names and values of the query, apart from words and page.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let band = self.band.map(|band| ("band", band.word().to_owned()));
        let source = self.source.map(|source| ("source", source.word().to_owned()));
        let others = self.providers.fields();
        let others = others.into_iter().map(|(name, value)| (name, value.into_owned()));
        band.into_iter().chain(source).chain(others).collect()
    }

    /// The address of this selection, relative to `/`.
    pub fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields());
        if !self.providers.text.is_empty() {
            query.append_pair("q", &self.providers.text);
        }
        if self.providers.page > 1 {
            query.append_pair("page", &self.providers.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "ends".into() } else { format!("ends?{query}") }
    }

    /// The first page of this selection in a band.
    pub fn with_band(&self, band: Option<Band>) -> Self {
        Self { band, ..self.of(self.providers.first_page()) }
    }

    /// The first page of this selection from a source.
    pub fn with_source(&self, source: Option<Source>) -> Self {
        Self { source, ..self.of(self.providers.first_page()) }
    }

    /// The same of other providers.
    pub fn of(&self, providers: Selection) -> Self {
        Self { providers, ..self.clone() }
    }

    /// Each filter apart from band and words, as a text, with the selection without it.
    pub fn filters(&self) -> Vec<(String, Self)> {
        let source = self.source.map(|source| {
            let text = format!("source={}", source.word());
            (text, self.with_source(None))
        });
        let others = self.providers.filters().into_iter();
        let others = others.map(|(text, providers)| (text, self.of(providers)));
        source.into_iter().chain(others).collect()
    }

    /// Whether the selection has a filter.
    pub fn is_filtered(&self) -> bool {
        self.band.is_some() || self.source.is_some() || self.providers.is_filtered()
    }
}
