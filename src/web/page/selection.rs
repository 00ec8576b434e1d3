//! Which providers a page shows, and in which order. The address holds the whole selection, so it
//! works without a script, as a bookmark and in a message to a colleague.

use std::borrow::Cow;

use url::form_urlencoded;

use super::choice::{Cause, Column, Group, Sort, cause, one_of, sort};
use super::facet::Facet;
use super::shape::Kind;
use crate::outcome::Reason;

/// The maximum number of words, and of labels, in a selection; more are ignored.
pub const MAX_TERMS: usize = 10;

/// The selection of providers in an address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The only group to show; `None` for all groups.
    pub facet: Option<Facet>,
    /// The only kind of broken credentials to show.
    pub kind: Option<Kind>,
    /// The only cause of failures to show.
    pub failure: Option<Cause>,
    /// The words to search, separated by spaces. A provider must match all of them.
    pub text: String,
    /// Names and values of labels. A provider must have all of them.
    pub labels: Vec<(String, String)>,
    /// The only vendor to show.
    pub vendor: Option<String>,
    /// The only host to show.
    pub host: Option<String>,
    /// The only owner to show.
    pub owner: Option<String>,
    /// The order; `None` for the most urgent first.
    pub sort: Option<Sort>,
    /// What the list is grouped by; `None` for a list of providers.
    pub group: Option<Group>,
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
                    selection.facet = Some(one_of(&Facet::ALL, Facet::word, "state", &value)?);
                }
                "kind" => selection.kind = Some(one_of(&Kind::ALL, Kind::word, "kind", &value)?),
                "failure" => selection.failure = Some(cause(&value)?),
                "q" => value.trim().clone_into(&mut selection.text),
                "label" if selection.labels.len() < MAX_TERMS => {
                    let label = label(&value)?;
                    if !selection.labels.contains(&label) {
                        selection.labels.push(label);
                    }
                }
                "vendor" => selection.vendor = Some(value.into_owned()),
                "host" => selection.host = Some(value.into_owned()),
                "owner" => selection.owner = Some(value.trim().to_owned()),
                "sort" => selection.sort = sort(&value)?,
                "group" => selection.group = Some(Group::parse(&value)?),
                "page" => selection.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        Ok(selection)
    }

    /// Names and values of the query, apart from words and page.
    pub fn fields(&self) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut fields: Vec<(&'static str, Cow<str>)> = Vec::new();
        fields.extend(self.facet.map(|facet| ("state", facet.word().into())));
        fields.extend(self.kind.map(|kind| ("kind", kind.word().into())));
        fields.extend(self.failure.as_ref().map(|cause| ("failure", cause.text().into())));
        let labels = self.labels.iter();
        fields.extend(labels.map(|(name, value)| ("label", format!("{name}={value}").into())));
        fields.extend(self.vendor.as_deref().map(|vendor| ("vendor", vendor.into())));
        fields.extend(self.host.as_deref().map(|host| ("host", host.into())));
        fields.extend(self.owner.as_deref().map(|owner| ("owner", owner.into())));
        fields.extend(self.sort.map(|sort| {
            let sign = if sort.is_reversed { "-" } else { "" };
            ("sort", format!("{sign}{}", sort.column.word()).into())
        }));
        fields.extend(self.group.as_ref().map(|group| ("group", group.text())));
        fields
    }

    /// The address of this selection, relative to `/`.
    pub fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.fields());
        if !self.text.is_empty() {
            query.append_pair("q", &self.text);
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "./".into() } else { format!("./?{query}") }
    }

    /// The first page of this selection.
    pub fn first_page(&self) -> Self {
        Self { page: 1, ..self.clone() }
    }

    /// The first page of this selection with another group.
    pub fn with_facet(&self, facet: Option<Facet>) -> Self {
        Self { facet, ..self.first_page() }
    }

    /// The first page of the broken credentials of a kind in this selection.
    pub fn with_kind(&self, kind: Kind) -> Self {
        Self { kind: Some(kind), ..self.first_page() }
    }

    /// The first page of the failures in this selection with a cause.
    pub fn with_failure(&self, reason: Reason, code: &str) -> Self {
        let failure = Some(Cause { reason, code: Some(code.to_owned()) });
        Self { failure, ..self.first_page() }
    }

    /// This selection in the order of a column; in the reverse order if it has this order, and in
    /// the usual one if it has the reverse order.
    pub fn sorted_by(&self, column: Column) -> Self {
        let sort = match self.sort {
            Some(sort) if sort.column == column && sort.is_reversed => None,
            Some(sort) if sort.column == column => Some(Sort { column, is_reversed: true }),
            _ => Some(Sort { column, is_reversed: false }),
        };
        Self { sort, ..self.first_page() }
    }

    /// The first page of this selection in these groups.
    pub fn grouped_by(&self, group: Option<Group>) -> Self {
        Self { group, ..self.first_page() }
    }

    /// The first page of this selection with only the providers of a vendor, as a list.
    pub fn of_vendor(&self, vendor: &str, kind: Option<Kind>) -> Self {
        let vendor = Some(vendor.to_owned());
        Self { vendor, kind: kind.or(self.kind), ..self.grouped_by(None) }
    }

    /// The first page of this selection with only the providers at a host.
    pub fn at_host(&self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self.first_page() }
    }

    /// The first page of this selection with only the credentials of an owner.
    pub fn of_owner(&self, owner: &str) -> Self {
        Self { owner: Some(owner.to_owned()), ..self.first_page() }
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
        Self { labels, ..self.first_page() }
    }

    /// Another page of this selection.
    pub fn on_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// Each filter apart from group and words, as a text, with the selection without it.
    pub fn filters(&self) -> Vec<(String, Self)> {
        let mut filters = Vec::new();
        let all = self.first_page();
        if let Some(kind) = self.kind {
            filters.push((format!("kind={}", kind.word()), Self { kind: None, ..all.clone() }));
        }
        if let Some(cause) = &self.failure {
            let text = format!("failure={}", cause.text());
            filters.push((text, Self { failure: None, ..all.clone() }));
        }
        for (name, value) in &self.labels {
            filters.push((format!("{name}={value}"), self.without_label(name, value)));
        }
        if let Some(vendor) = &self.vendor {
            filters.push((format!("vendor={vendor}"), Self { vendor: None, ..all.clone() }));
        }
        if let Some(host) = &self.host {
            filters.push((format!("host={host}"), Self { host: None, ..all.clone() }));
        }
        if let Some(owner) = &self.owner {
            filters.push((format!("owner={owner}"), Self { owner: None, ..all }));
        }
        filters
    }

    /// Whether the selection has a filter.
    pub fn is_filtered(&self) -> bool {
        self.facet.is_some() || !self.text.is_empty() || !self.filters().is_empty()
    }

    /// All filters in a few words, for a title.
    pub fn summary(&self) -> String {
        let group = self.facet.map(|facet| facet.word().to_owned());
        let words = (!self.text.is_empty()).then(|| format!("“{}”", self.text));
        let filters = self.filters().into_iter().map(|(text, _)| text);
        group.into_iter().chain(filters).chain(words).collect::<Vec<String>>().join(" · ")
    }
}

fn label(value: &str) -> Result<(String, String), String> {
    let (name, value) = value
        .split_once('=')
        .ok_or_else(|| format!("“{value}” is not a label; write label=NAME=VALUE."))?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    fn parsed(query: &str) -> Selection {
        Selection::parse(query).expect(query)
    }

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for address in [
            "./",
            "./?state=broken",
            "./?q=a+%26+b",
            "./?state=ending&label=team%3Dbilling&label=env%3D%3D&q=x&page=7",
            "./?kind=untried&failure=rejected%2Finvalid_client&vendor=A+B&host=a%3A1&sort=-since",
            "./?failure=secret%2F&sort=end&group=failure",
            "./?host=a%3A1&owner=billing+team&q=x",
            "./?group=team&page=2",
            "./?group=label%3Aenv",
            "./?failure=secret",
        ] {
            assert_eq!(
                parsed(address.trim_start_matches("./").trim_start_matches('?')).address(),
                address
            );
        }
    }

    #[test]
    fn empty_filters_are_ignored_and_invalid_ones_are_refused() {
        let query = "state=&q=++&label=&page=&utm=1&sort=urgency&kind=&failure=";
        assert_eq!(parsed(query).address(), "./");
        assert_eq!(
            [parsed("page=0").page, parsed("page=-1").page, parsed("page=x").page],
            [1, 1, 1]
        );
        assert!(Selection::parse("state=brocken").expect_err("no such state").contains("broken"));
        assert!(Selection::parse("label=team").expect_err("no label").contains("NAME=VALUE"));
        for query in ["kind=broken", "failure=refused", "sort=urgent", "sort=--name", "group=x"] {
            assert!(Selection::parse(query).expect_err(query).contains("expected one of"));
        }
    }

    #[test]
    fn a_changed_selection_begins_on_its_first_page() {
        let selection = parsed("q=x&label=a%3D1&page=3");
        assert_eq!(
            selection.with_facet(Some(Facet::In(State::Broken))).address(),
            "./?state=broken&label=a%3D1&q=x"
        );
        assert_eq!(
            selection.with_label("b", "2").with_label("b", "2").address(),
            "./?label=a%3D1&label=b%3D2&q=x"
        );
        assert_eq!(selection.without_label("a", "1").address(), "./?q=x");
        assert_eq!(selection.on_page(4).address(), "./?label=a%3D1&q=x&page=4");
    }

    #[test]
    fn a_second_click_on_a_column_reverses_the_order_and_a_third_ends_it() {
        let once = parsed("q=x&page=3").sorted_by(Column::Since);
        let twice = once.sorted_by(Column::Since);
        assert_eq!(
            [once.address(), twice.address(), twice.sorted_by(Column::Since).address()],
            ["./?sort=since&q=x", "./?sort=-since&q=x", "./?q=x"]
        );
        assert_eq!(twice.sorted_by(Column::Name).address(), "./?sort=name&q=x");
    }

    #[test]
    fn each_filter_can_be_removed_alone() {
        let filters = parsed("state=broken&kind=refused&label=a%3D1&q=x&page=2").filters();
        let shown: Vec<(&str, String)> =
            filters.iter().map(|(text, without)| (text.as_str(), without.address())).collect();
        assert_eq!(
            shown,
            [
                ("kind=refused", "./?state=broken&label=a%3D1&q=x".to_owned()),
                ("a=1", "./?state=broken&kind=refused&q=x".to_owned()),
            ]
        );
        assert_eq!(parsed("label=a%3D1&q=x&state=healthy").summary(), "healthy · a=1 · “x”");
    }
}
