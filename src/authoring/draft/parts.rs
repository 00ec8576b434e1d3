//! The parts of a draft's request.

use super::write::Value;

/// The `[request]` of a draft.
#[derive(Default)]
pub struct Request {
    /// `None` for POST.
    pub method: Option<String>,
    /// Scheme and host; `None` when a part of them is a placeholder.
    pub base: Option<String>,
    /// An example of scheme and host for the parameter.
    pub base_example: String,
    /// The fixed part of the host, for the name of the recipe.
    pub named_host: String,
    /// The path, with expressions.
    pub path: String,
    pub query: Vec<(String, Value)>,
    pub headers: Vec<(String, Value)>,
    pub body: Body,
    /// Whether the sample asks for JSON.
    pub wants_json: bool,
}

/// The body of a draft.
#[derive(Default)]
pub enum Body {
    #[default]
    Empty,
    Form(Vec<(String, Value)>),
    Multipart(Vec<(String, Value)>),
    Json(Value),
    /// A text with expressions.
    Text(String),
}
