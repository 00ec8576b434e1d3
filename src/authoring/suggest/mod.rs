//! What in an answer looks like a token, an expiry, an error code or a sentence for people: as
//! lines ready to be pasted into a recipe. For `probe`, where no rule has read it, and for the
//! first draft of a recipe.
//!
//! Values are looked at and never repeated, but for the numbers of an expiry and the few words that
//! mean success.

mod candidate;
mod expiries;
mod find;
mod kinds;
mod members;
mod samples;
mod structure;
mod units;
mod unread;

pub use candidate::Suggestion;
pub use members::words;
pub use samples::of_samples;
pub use structure::structure;
pub use unread::unread;
