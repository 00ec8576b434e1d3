//! An answer as it arrived.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

/// A whole answer. Can hold a token: it can be read, not printed.
pub struct TokenResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, already bounded in size.
    pub body: Bytes,
    /// When its head arrived.
    pub received: Timestamp,
}
