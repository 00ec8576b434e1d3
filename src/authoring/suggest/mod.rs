//! Suggests lines for a recipe: which parts of a response look like a token, an expiry, an error
//! code or a message. `probe` shows them when no rule reads the part, and drafts use them.
//!
//! Suggestions repeat no values but the numbers of an expiry and the words that mean success.

mod candidate;
mod ends;
mod evidence;
mod expiries;
mod find;
mod keys;
mod kinds;
mod listed;
mod members;
mod places;
mod samples;
mod scopes;
mod structure;
mod tokens;
mod units;
mod unread;

pub use candidate::Suggestion;
pub use evidence::{Evidence, evidence};
pub use keys::{Asked, of_keys};
pub use members::words;
pub use samples::{Answer, Rules, of_samples};
pub use structure::structure;
pub use unread::unread;
