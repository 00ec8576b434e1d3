//! The names that a recipe cannot choose.

use crate::language::scan::KEYWORDS;
use crate::language::taint::SAME;

/// Names that mean something of their own in expressions.
const RESERVED: [&str; 11] =
    ["json", "form", "xml", "http", "body", "token", "now_s", "now_ms", "now_iso", "uuid", SAME];

/// Whether a name means something of its own in expressions, so that no input can have it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || KEYWORDS.contains(&name)
}
