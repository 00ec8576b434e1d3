//! The headers that credwatch adds to a request.

/// The `User-Agent` of credwatch.
pub const USER_AGENT: &str = concat!("credwatch/", env!("CARGO_PKG_VERSION"));

/// The `Accept` header of a recipe that sets none.
pub const ACCEPT: &str = "application/json";

/// The headers that credwatch adds when a recipe does not set them.
pub const DEFAULT_HEADERS: [(&str, &str); 2] = [("Accept", ACCEPT), ("User-Agent", USER_AGENT)];
