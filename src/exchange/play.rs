//! Plays a recorded exchange: each request is compared, each answer is read, and so is the outcome.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Prepared, RecordedRequest, RecordedResponse, RecordedStep, actual_headers, compare,
    expected_headers,
};
use crate::outcome::{Failure, Outcome};
use crate::recipe::verification::{no_keys, unverified};
use crate::recipe::{Call, Fingerprints, Inputs, TokenRequest, TokenResponse, Trace, Values};

/// An exchange under way.
struct Play<'a> {
    prepared: &'a Prepared,
    values: Values,
    /// Those that are still to come.
    recorded: std::slice::Iter<'a, RecordedStep>,
    differences: Vec<String>,
}

impl Prepared {
    /// Plays the exchange.
    ///
    /// # Errors
    /// What differs from what was expected.
    pub fn run(&self) -> Result<(), String> {
        let (parameters, credentials) = (self.parameters(), self.credentials());
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
        let inputs = Inputs { parameters: &parameters, credentials: &credentials };
        let values =
            self.recipe.begin(&inputs, &self.attempt).map_err(|error| error.to_string())?;
        let mut play = Play {
            prepared: self,
            values,
            recorded: self.exchange.steps.iter(),
            differences: Vec::new(),
        };
        let outcome = play.probe()?;
        play.clean_up()?;
        let Play { mut recorded, mut differences, .. } = play;
        if let Some(step) = recorded.next() {
            differences.push(format!("  the step `{}` is recorded, but not made", step.name));
        }
        self.compare_outcome(&outcome, &mut differences);
        if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
    }
}

impl Play<'_> {
    /// All calls but those that clean up. The error is what makes it impossible to go on.
    fn probe(&mut self) -> Result<Outcome, String> {
        let prepared = self.prepared;
        let recipe = &prepared.recipe;
        for step in &recipe.steps {
            if !step.is_wanted(&self.values).map_err(|error| error.to_string())? {
                continue;
            }
            if let Err(failure) = self.step(step)?.1 {
                if prepared.exchange.response.is_some() {
                    self.differences.push(format!(
                        "  the step `{}` fails, so there is no token request",
                        step.name
                    ));
                }
                return Ok(Outcome::Failed(failure));
            }
        }
        let request = match recipe.token.render(&mut self.values) {
            Ok(request) => request,
            Err(error) => return Ok(Outcome::Failed(error.failure())),
        };
        self.compare_request("", prepared.exchange.request.as_ref(), &request);
        let Some(recorded) = &prepared.exchange.response else {
            return Err("the exchange has no [response]".into());
        };
        let response = self.response(recorded)?;
        let keep = prepared.verification.is_some();
        let outcome = recipe.read(
            &mut self.values,
            &response,
            &prepared.expectations(),
            &Fingerprints::default(),
            keep,
            &mut Trace::default(),
        );
        match outcome {
            Outcome::Issued(issued) => {
                Ok(self.verify(issued.expiry)?.map_or(Outcome::Issued(issued), Outcome::Failed))
            }
            failed @ Outcome::Failed(_) => Ok(failed),
        }
    }

    fn verify(&mut self, expiry: crate::outcome::Expiry) -> Result<Option<Failure>, String> {
        let prepared = self.prepared;
        let Some(verification) = &prepared.verification else { return Ok(None) };
        self.values.add_clocks(&prepared.attempt);
        for check in &verification.checks {
            if let Err(failure) = self.step(check)?.1 {
                return Ok(Some(unverified(failure)));
            }
        }
        let Some(jwt) = &verification.jwt else { return Ok(None) };
        let keys = match &jwt.jwks {
            None => None,
            Some(call) => match self.step(call)? {
                (_, Err(failure)) => return Ok(Some(no_keys(failure))),
                (response, Ok(())) => Some(response),
            },
        };
        Ok(jwt.inspect(&self.values, keys.as_ref(), expiry, prepared.attempt.now).err())
    }

    fn clean_up(&mut self) -> Result<(), String> {
        let recipe = &self.prepared.recipe;
        for call in &recipe.cleanup {
            if call.is_possible(&self.values) {
                let (_, read) = self.step(call)?;
                if let Err(failure) = read {
                    self.differences.push(format!(
                        "  `{}` failed: {}",
                        call.name,
                        failure.message.as_str()
                    ));
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, call: &Call) -> Result<(TokenResponse, Result<(), Failure>), String> {
        let recorded = self.recorded.next().filter(|recorded| recorded.name == *call.name);
        let recorded = recorded.ok_or_else(|| {
            format!("the call `{}` is made now, but not recorded here under [[steps]]", call.name)
        })?;
        let response = self.response(&recorded.response)?;
        let request = match call.render(&mut self.values) {
            Ok(request) => request,
            Err(error) => return Ok((response, Err(error.failure()))),
        };
        self.compare_request(&format!("step {} ", call.name), recorded.request.as_ref(), &request);
        let read = call.read(&mut self.values, &response, &mut Trace::default());
        Ok((response, read))
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

    fn response(&self, recorded: &RecordedResponse) -> Result<TokenResponse, String> {
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
            received: self.prepared.attempt.now,
        })
    }
}
