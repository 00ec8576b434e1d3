//! What a probe does after what, and what of it is left out.

use super::call::{Call, Kind, Recipe};
use super::claims::JwtCheck;
use super::values::Values;
use super::verification::Verification;

/// One turn of a probe.
pub enum Turn<'a> {
    /// It makes this call.
    Call(&'a Call),
    /// It checks what the token says of itself.
    Inspection(&'a JwtCheck),
}

/// The turns of one attempt.
pub struct Turns<'a> {
    rest: std::vec::IntoIter<Turn<'a>>,
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
        let issuing = self.steps.iter().chain([&self.token]).map(Turn::Call);
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
        Self { rest: recipe.turns(verification).collect::<Vec<_>>().into_iter(), failed: false }
    }

    /// The next turn. A step whose URL needs an optional input that is not set is left out. The
    /// cleanup is made for what was opened, also after a failure.
    pub fn next(&mut self, values: &Values) -> Option<Turn<'a>> {
        let failed = self.failed;
        self.rest.find(|turn| match turn {
            Turn::Inspection(_) => !failed,
            Turn::Call(call) => match call.kind {
                Kind::Step => !failed && call.is_wanted(values),
                Kind::Token | Kind::Check | Kind::Introspection | Kind::Keys => !failed,
                Kind::Cleanup => call.is_possible(values) && call.is_wanted(values),
            },
        })
    }

    /// The attempt has failed: only the cleanup is left.
    pub fn fail(&mut self) {
        self.failed = true;
    }
}
