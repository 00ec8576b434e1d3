//! Recipes: how to request a token from one kind of token API and how to read its answer, as data.
//!
//! Pure: a recipe renders a [`TokenRequest`] from inputs and a time, and reads a [`TokenResponse`]
//! into an [`Outcome`](crate::outcome::Outcome). It does no input or output.
//!
//! A probe is a [`Conversation`], a list of [`Call`]s: the steps before the token request, the
//! token request, the calls that verify the token, the cleanup. Each call is a request and the
//! rules for its answer. [`Values`] go from one call to the next.
//!
//! Reading order: [`definition`] (the TOML form), `compile`, `call`, `turns` (the order of the
//! calls), `conversation`, [`values`], [`request`], `reading` (of any answer), `meaning` (of
//! codes), [`token`] (of the answer to the token request), [`verification`], [`builtin`] (the
//! table of built-ins).

pub mod builtin;
mod call;
pub mod claims;
mod compile;
mod conversation;
mod dates;
pub mod definition;
mod ends;
pub mod expiry;
mod fingerprint;
mod held;
mod list;
mod list_rules;
mod meaning;
mod multipart;
mod named_secrets;
mod reader;
mod reading;
mod refusal;
mod rehearsal;
mod repeated;
pub mod request;
pub mod retry;
mod status;
pub mod token;
mod trace;
mod turns;
pub mod values;
pub mod verification;
mod wait;

pub use call::{Call, Kind, Recipe};
pub use compile::is_reserved;
pub use conversation::{Conclusion, Conversation, NextRequest, ObservedAnswer, Observer, Subject};
pub use fingerprint::Fingerprints;
pub use held::held_ends;
pub use reader::TokenResponse;
pub use rehearsal::LONGEST_URL;
pub use repeated::{Repeated, Room};
pub use request::TokenRequest;
pub use token::Expectations;
pub use trace::{Found, Trace};
pub use values::{Attempt, Inputs, RenderError, Values};
pub use verification::Verification;
