//! The parts of a draft's request.

use super::write::Value;

/// The `[request]` of a draft.
#[derive(Default)]
pub struct Request {
    /// Nothing for POST.
    pub method: Option<String>,
    /// Scheme and host, if no part of them is a placeholder.
    pub base: Option<String>,
    /// Scheme and host as they could be, to show what the parameter is.
    pub base_example: String,
    /// The host as far as it is fixed: what the API can be called by.
    pub named_host: String,
    /// What follows scheme and host, with expressions.
    pub path: String,
    /// Query parameters.
    pub query: Vec<(String, Value)>,
    /// Headers.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Body,
}

/// The body of a draft.
#[derive(Default)]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// A form.
    Form(Vec<(String, Value)>),
    /// JSON.
    Json(Value),
    /// A text with expressions.
    Text(String),
}
