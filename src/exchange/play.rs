//! Plays a recorded exchange, and compares each request and the outcome.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::differences::{actual_headers, compare, expected_headers};
use super::{Prepared, RecordedRequest, RecordedResponse, RecordedStep};
use crate::recipe::{
    Conversation, Fingerprints, Inputs, Kind, NextRequest, Subject, TokenRequest, TokenResponse,
};

/// The name of a further page of a list among the recorded steps.
const PAGE: &str = "page";

/// An exchange while it is played.
struct Play<'a> {
    prepared: &'a Prepared,
    /// The recorded steps that no call has used yet.
    recorded: std::slice::Iter<'a, RecordedStep>,
    token_requested: bool,
    differences: Vec<String>,
}

impl Prepared {
    /// Plays the exchange.
    ///
    /// # Errors
    /// The differences from the expectation.
    pub fn run(&self) -> Result<(), String> {
        self.check_inputs()?;
        let (parameters, credentials) = (self.parameters(), self.credentials());
        let (expectations, fingerprints) = (self.expectations(), Fingerprints::default());
        let subject = Subject {
            recipe: &self.recipe,
            verification: self.verification.as_deref(),
            expectations: &expectations,
            fingerprints: &fingerprints,
            reads_list: true,
        };
        let inputs = Inputs { parameters: &parameters, credentials: &credentials };
        let mut conversation = Conversation::begin(subject, &inputs, &self.attempt, None)
            .map_err(|error| error.to_string())?;
        let mut play = Play {
            prepared: self,
            recorded: self.exchange.steps.iter(),
            token_requested: false,
            differences: Vec::new(),
        };
        while let Some(next) = conversation.next_request() {
            conversation.answered(play.answer(&next)?, Duration::ZERO);
        }
        let conclusion = conversation.finish();
        for (step, failure) in conclusion.failed_cleanup() {
            play.differences.push(format!(
                "  `{}` failed: {}",
                step.name,
                failure.message.as_str()
            ));
        }
        let mut differences = play.rest();
        self.compare_outcome(&conclusion.outcome, &mut differences);
        self.compare_ends(&conclusion.ends, &mut differences);
        self.compare_list(conclusion.list.as_ref(), &mut differences);
        if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
    }

    fn check_inputs(&self) -> Result<(), String> {
        for (name, _) in &self.exchange.credentials.0 {
            if !self.recipe.credentials.iter().any(|(known, _)| known == name.get_ref()) {
                return Err(format!("the recipe has no credential `{}`", name.get_ref()));
            }
        }
        for (name, _) in &self.exchange.parameters.0 {
            if !self.recipe.parameters.iter().any(|(known, _)| known == name.get_ref()) {
                return Err(format!("the recipe has no parameter `{}`", name.get_ref()));
            }
        }
        Ok(())
    }

    /// A recorded answer in the form in which a real one arrives.
    ///
    /// # Errors
    /// When it has two bodies, or a header that HTTP does not have.
    pub fn response(&self, recorded: &RecordedResponse) -> Result<TokenResponse, String> {
        if recorded.body.is_some() && recorded.json.is_some() {
            return Err("an answer has either `body` or `json`".into());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &recorded.headers.0 {
            let name =
                HeaderName::try_from(name.get_ref().as_str()).map_err(|error| error.to_string())?;
            headers.append(
                name,
                HeaderValue::try_from(value.as_str()).map_err(|error| error.to_string())?,
            );
        }
        Ok(TokenResponse {
            status: recorded.status,
            headers,
            body: recorded.bytes(),
            received: self.attempt.now,
            damage: None,
        })
    }
}

impl Play<'_> {
    /// Compares this request and returns its recorded answer. The error says why the exchange
    /// cannot continue.
    fn answer(&mut self, next: &NextRequest<'_>) -> Result<TokenResponse, String> {
        let exchange = &self.prepared.exchange;
        let NextRequest { call, kind, request } = next;
        let name = if *kind == Kind::Page { PAGE } else { &*call.name };
        let recorded = if kind.is_main() {
            self.token_requested = true;
            self.compare_request("", exchange.request.as_ref(), request);
            exchange.response.as_ref().ok_or("the exchange has no [response]")?
        } else {
            let recorded = self.recorded.next().filter(|recorded| recorded.name == name);
            let recorded = recorded.ok_or_else(|| {
                format!("the call `{name}` is made now, but not recorded here under [[steps]]")
            })?;
            let before = format!("step {name} ");
            self.compare_request(&before, recorded.request.as_ref(), request);
            &recorded.response
        };
        self.prepared.response(recorded)
    }

    fn compare_request(
        &mut self,
        before: &str,
        expected: Option<&RecordedRequest>,
        request: &TokenRequest,
    ) {
        let Some(expected) = expected else { return };
        let differences = &mut self.differences;
        compare(&format!("{before}method"), &expected.method, request.method.as_str(), differences);
        compare(&format!("{before}url"), &expected.url, request.url.as_str(), differences);
        compare(
            &format!("{before}headers"),
            &expected_headers(expected),
            &actual_headers(&request.headers),
            differences,
        );
        let body = request.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        compare(&format!("{before}body"), &expected.body, &body, differences);
    }

    /// All differences, with the recorded calls that the recipe did not make.
    fn rest(mut self) -> Vec<String> {
        for step in self.recorded {
            self.differences.push(format!("  the step `{}` is recorded, but not made", step.name));
        }
        if !self.token_requested && self.prepared.exchange.response.is_some() {
            self.differences
                .push("  there is a [response], but the main request is not made".into());
        }
        self.differences
    }
}
