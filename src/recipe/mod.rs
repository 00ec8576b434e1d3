//! Recipes: how one kind of token API is asked and how its answer is read, as data.
//!
//! Pure: a recipe renders a [`TokenRequest`] from inputs and the time that it is given, and reads a
//! [`TokenResponse`] into an [`Outcome`](crate::outcome::Outcome). It does no input or output.
//!
//! A probe is a [`Conversation`], a row of [`Call`]s: the steps before the token request, the token
//! request, the calls that verify the token, the cleanup. Each is a request and the rules for its
//! answer; [`Values`] go from one to the next.
//!
//! Reading order: [`definition`] (as written), `compile`, `call`, `turns` (the order of the calls),
//! `conversation`, [`values`], [`request`], `reading` (of any answer), [`token`] (of the answer to
//! the token request), [`verification`], [`builtin`] (the table of built-ins).

pub mod builtin;
mod call;
pub mod claims;
mod compile;
mod conversation;
pub mod definition;
pub mod expiry;
mod fingerprint;
mod given;
mod observer;
mod reader;
mod reading;
mod refusal;
mod rehearsal;
pub mod request;
pub mod response;
pub mod retry;
mod telling;
pub mod token;
mod trace;
mod turns;
pub mod values;
pub mod verification;

pub use call::{Call, Kind, Recipe};
pub use compile::is_reserved;
pub use conversation::{Asked, Conclusion, Conversation, Subject};
pub use fingerprint::Fingerprints;
pub use observer::{Heard, Observer};
pub use request::TokenRequest;
pub use response::TokenResponse;
pub use token::Expectations;
pub use trace::{Found, Trace};
pub use values::{Attempt, Inputs, RenderError, Values};
pub use verification::Verification;
