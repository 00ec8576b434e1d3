//! The order of a probe's calls, and the calls that a probe leaves out.

use super::call::{Call, Kind, Recipe};
use super::claims::JwtCheck;
use super::values::Values;
use super::verification::Verification;

/// One turn of a probe.
pub enum Turn<'a> {
    /// A call to the provider.
    Call(&'a Call),
    /// The check of the claims in the token.
    Inspection(&'a JwtCheck),
}

/// The turns of one attempt.
pub struct Turns<'a> {
    recipe: &'a Recipe,
    verification: Option<&'a Verification>,
    next: usize,
    failed: bool,
}

impl Recipe {
    /// All turns of a probe, in order.
    fn turns<'a>(
        &'a self,
        verification: Option<&'a Verification>,
    ) -> impl Iterator<Item = Turn<'a>> {
        let verifying = verification.into_iter().flat_map(|verification| {
            let inspection = verification.jwt.iter().map(Turn::Inspection);
            verification.calls().map(Turn::Call).chain(inspection)
        });
        let issuing = self.steps.iter().chain([&self.main]).map(Turn::Call);
        issuing.chain(verifying).chain(self.cleanup.iter().map(Turn::Call))
    }

    /// All calls of a probe, in order, with those that verify the token.
    pub fn calls<'a>(
        &'a self,
        verification: Option<&'a Verification>,
    ) -> impl Iterator<Item = &'a Call> {
        self.turns(verification).filter_map(|turn| match turn {
            Turn::Call(call) => Some(call),
            Turn::Inspection(_) => None,
        })
    }
}

impl<'a> Turns<'a> {
    /// The turns of an attempt that begins now.
    pub fn new(recipe: &'a Recipe, verification: Option<&'a Verification>) -> Self {
        Self { recipe, verification, next: 0, failed: false }
    }

    /// The next turn; `None` at the end.
    pub fn next(&mut self, values: &Values) -> Option<Turn<'a>> {
        loop {
            let turn = self.recipe.turns(self.verification).nth(self.next)?;
            self.next += 1;
            if self.is_due(&turn, values) {
                return Some(turn);
            }
        }
    }

    /// A step or cleanup is left out when its URL needs an optional input that is not set. The
    /// cleanup is made also after a failure, if all that it needs is known.
    fn is_due(&self, turn: &Turn<'_>, values: &Values) -> bool {
        match turn {
            Turn::Call(call) if call.kind == Kind::Cleanup => {
                call.is_possible(values) && call.is_wanted(values)
            }
            Turn::Call(call) if call.kind == Kind::Step => !self.failed && call.is_wanted(values),
            Turn::Call(_) | Turn::Inspection(_) => !self.failed,
        }
    }

    /// The attempt has failed, so only the cleanup is left.
    pub fn fail(&mut self) {
        self.failed = true;
    }
}
