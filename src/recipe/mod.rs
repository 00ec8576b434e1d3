//! Recipes: how one kind of token API is asked and how its answer is read, as data.
//!
//! Pure: a recipe renders a [`TokenRequest`] from inputs and the time that it is given, and reads a
//! [`TokenResponse`] into an [`Outcome`](crate::outcome::Outcome). It does no input or output.
//!
//! A probe is a row of [`Call`]s: the steps before the token request, the token request, what
//! verifies the token, what cleans up. Each is a request and the rules for its answer; [`Values`]
//! go from one to the next.
//!
//! Reading order: [`definition`] (as written), [`expression`] and [`template`] (the language), this
//! file, `compile`, [`values`], [`request`], [`response`] (what any answer tells), [`token`] (what
//! the token's does), [`verification`], [`builtin`] (the table of built-ins).

pub mod builtin;
mod call;
pub mod claims;
mod compile;
pub mod definition;
pub mod expiry;
mod fingerprint;
mod rehearsal;
pub mod request;
pub mod response;
pub mod retry;
mod telling;
pub mod token;
mod trace;
pub mod values;
pub mod verification;

pub use call::{Call, Recipe};
pub use compile::is_reserved;
pub use fingerprint::Fingerprints;
pub use request::TokenRequest;
pub use response::TokenResponse;
pub use telling::shown_place;
pub use token::Expectations;
pub use trace::Trace;
pub use values::{Attempt, Inputs, RenderError, Values};
pub use verification::Verification;
