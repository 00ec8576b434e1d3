//! Goes from one page of a list to the next.

use minijinja::ErrorKind;
use minijinja::value::ValueKind;
use url::Url;

use super::rows::Page;
use crate::language::context::Context;
use crate::language::expression::explain;
use crate::outcome::{
    Code, CredentialList, Failure, ListRead, ListReadings, Named, Reason, malformed,
};
use crate::recipe::list_rules::ListRules;
use crate::recipe::reader::Reader;
use crate::recipe::rehearsal::LONGEST_URL;
use crate::recipe::request::TokenRequest;
use crate::recipe::values::hide;
use crate::secret::{Redactor, shown_place};

/// The most rows of a list that are looked at, on all pages together.
const MOST_ROWS: usize = 10_000;

/// A list while its pages are read. Can hold secrets.
pub struct ListReading<'a> {
    rules: &'a ListRules,
    /// The secrets that were known before the first page.
    secrets: Redactor,
    /// The request of the last page.
    request: TokenRequest,
    /// The addresses of the pages so far, to notice one that comes again.
    addresses: Vec<Url>,
    /// The address of the page to read next.
    next: Option<Url>,
    found: Vec<Named>,
    /// How many rows were looked at.
    rows: usize,
    dropped: usize,
    reading: ListReadings,
    failure: Option<Failure>,
    is_begun: bool,
}

impl<'a> ListReading<'a> {
    /// A list whose first page is the answer to this request.
    pub fn new(rules: &'a ListRules, request: TokenRequest, secrets: Redactor) -> Self {
        Self {
            rules,
            secrets,
            addresses: vec![request.url.clone()],
            request,
            next: None,
            found: Vec::new(),
            rows: 0,
            dropped: 0,
            reading: ListReadings::default(),
            failure: None,
            is_begun: false,
        }
    }

    /// Reads a page that was accepted.
    pub fn read(&mut self, reader: &Reader<'_, '_>) {
        self.is_begun = true;
        for value in reader.secrets_given() {
            hide(&value, &mut self.secrets);
        }
        if let Err(failure) = self.read_page(reader) {
            self.fail(failure);
        }
    }

    /// The list cannot be read as a whole.
    pub fn fail(&mut self, failure: Failure) {
        self.is_begun = true;
        self.failure = Some(failure);
        self.next = None;
    }

    fn read_page(&mut self, reader: &Reader<'_, '_>) -> Result<(), Failure> {
        if let Some(damage) = &reader.response.damage {
            return Err(damage.clone());
        }
        if !reader.has_fine_status() {
            let status = reader.response.status;
            let message =
                format!("HTTP status {status}: the credential is accepted, but sees no list");
            return Err(Failure::new(Reason::Rejected, &message).code(Code::http(status)));
        }
        // Each page has a budget of its own.
        let names = reader.names.renewed();
        let page = Page {
            rules: self.rules,
            names: &names,
            body: &reader.body,
            received: reader.response.received,
            secrets: &self.secrets,
        };
        let (rows, left_out) =
            page.read(MOST_ROWS - self.rows, &mut self.found, &mut self.reading)?;
        self.rows += rows;
        self.dropped += left_out;
        let Some(next) = self.following(&names)? else { return Ok(()) };
        if self.addresses.len() >= self.rules.max_pages || self.rows >= MOST_ROWS {
            // How many there are on the pages that are not read is not known.
            self.dropped += 1;
            return Ok(());
        }
        if self.addresses.contains(&next) {
            return Err(malformed(
                "list_page_repeated",
                "the next page of the list is an earlier one",
            ));
        }
        self.addresses.push(next.clone());
        self.next = Some(next);
        Ok(())
    }

    /// The address of the next page, if the page names one.
    fn following(&self, names: &Context) -> Result<Option<Url>, Failure> {
        let Some(rule) = &self.rules.next else { return Ok(None) };
        let value = match rule.evaluate(&names.value()) {
            Ok(value) => value,
            Err(error) if error.kind() == ErrorKind::UndefinedError => return Ok(None),
            Err(error) => {
                let problem = format!("`list.next` cannot be worked out: {}", explain(&error));
                return Err(malformed("list_unreadable", &self.secrets.scrub(&problem)));
            }
        };
        let text = match value.kind() {
            ValueKind::Undefined | ValueKind::None => return Ok(None),
            ValueKind::String => value.as_str().unwrap_or_default().trim(),
            kind => {
                let problem = format!("`list.next` is a {kind}, where an address was expected");
                return Err(malformed("list_unreadable", &problem));
            }
        };
        if text.is_empty() {
            return Ok(None);
        }
        let current = &self.request.url;
        let next = Some(text).filter(|text| text.len() <= LONGEST_URL);
        let next = next.and_then(|text| current.join(text).ok());
        let Some(mut next) = next.filter(|next| next.as_str().len() <= LONGEST_URL) else {
            return Err(malformed("list_unreadable", "`list.next` is no address of a page"));
        };
        next.set_fragment(None);
        let names_user = !next.username().is_empty() || next.password().is_some();
        let keeps_user =
            next.username() == current.username() && next.password() == current.password();
        if next.origin() != current.origin() || names_user && !keeps_user {
            let problem = format!(
                "the next page of the list is at {}, and scheme, host, port or user differ from \
                 those of the first page: credentials do not follow there",
                shown_place(text)
            );
            return Err(malformed("list_next_elsewhere", &self.secrets.scrub(&problem)));
        }
        Ok(Some(next))
    }

    /// The request of the next page; `None` when there is none to read.
    pub fn next_request(&mut self) -> Option<TokenRequest> {
        self.request.url = self.next.take()?;
        Some(self.request.again())
    }

    /// The list, or why it could not be read as a whole; `None` when no page was accepted.
    pub fn finish(self) -> Option<ListRead> {
        if let Some(failure) = self.failure {
            return Some(Err(failure));
        }
        let list = CredentialList::new(self.found, self.rules.most, self.dropped as u64);
        let list = CredentialList { reading: self.reading, ..list };
        self.is_begun.then_some(Ok(list))
    }
}
