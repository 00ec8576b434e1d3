//! Compiles the request of one call.

use std::collections::BTreeSet;
use std::ops::Range;

use http::{HeaderName, Method, header};

use super::compiler::Compiler;
use super::limits::nodes;
use crate::diagnostic::{Sentence, Shown, suggestion};
use crate::language::json_template::JsonTemplate;
use crate::language::names::Names;
use crate::language::template::Template;
use crate::recipe::call::{BodyTemplate, Kind, RequestTemplates};
use crate::recipe::definition::{Ordered, Request, Text};

/// Headers that the transport sets: another value would break the request.
const TRANSPORT_HEADERS: [&str; 5] =
    ["connection", "content-length", "host", "transfer-encoding", "upgrade"];

/// How many kinds of a body the request has.
fn bodies(request: &Request) -> usize {
    let given = [
        request.form.is_some(),
        request.multipart.is_some(),
        request.json.is_some(),
        request.body.is_some(),
    ];
    given.into_iter().filter(|given| *given).count()
}

/// A compiled request with the names that it uses.
pub struct Requested {
    pub templates: RequestTemplates,
    pub uses: BTreeSet<String>,
}

impl Compiler<'_> {
    pub fn request(&mut self, request: &Request, kind: Kind, place: &Range<usize>) -> Requested {
        // Each call uses the names that `let` uses.
        self.all.append(&mut self.uses);
        let method = self.method(request, kind);
        let url = request.url.as_ref().and_then(|url| self.template(url));
        if request.url.is_none() {
            self.fault(
                place.clone(),
                if kind.is_main() {
                    "the recipe has no `request.url`"
                } else {
                    "a call has no `request.url`"
                },
            );
        }
        let pairs = |compiler: &mut Self, table: &Ordered<Text>| {
            table
                .0
                .iter()
                .filter_map(|(name, text)| Some((name.get_ref().clone(), compiler.template(text)?)))
                .collect::<Vec<_>>()
        };
        let query = pairs(self, &request.query);
        let headers = self.headers(request);
        if bodies(request) > 1 {
            self.fault(place.clone(), "the request has more than one body").hint =
                Some("choose one of `form`, `multipart`, `json` and `body`".into());
        }
        let body = if let Some(form) = &request.form {
            BodyTemplate::Form(pairs(self, form))
        } else if let Some(parts) = &request.multipart {
            BodyTemplate::Multipart(pairs(self, parts))
        } else if let Some(json) = &request.json {
            let (count, first) = nodes(json);
            self.has_room(count, || first.map_or(place.clone(), |text| text.0.span()));
            BodyTemplate::Json(JsonTemplate::new(json, &mut |text| self.template(text)))
        } else if let Some(text) = &request.body {
            self.template(text).map_or(BodyTemplate::Empty, BodyTemplate::Text)
        } else {
            BodyTemplate::Empty
        };
        let nothing = || Template::new("", &Names::default()).expect("an empty text is a template");
        let templates =
            RequestTemplates { method, url: url.unwrap_or_else(nothing), query, headers, body };
        Requested { templates, uses: std::mem::take(&mut self.uses) }
    }

    fn method(&mut self, request: &Request, kind: Kind) -> Method {
        let has_body = bodies(request) > 0;
        let known: &[&str] = if kind.is_main() {
            &["GET", "POST", "PUT", "PATCH"]
        } else {
            &["GET", "POST", "PUT", "PATCH", "DELETE"]
        };
        match request.method.as_ref().map(|text| (text, text.0.get_ref().as_str())) {
            None if kind == Kind::Token || has_body => Method::POST,
            None => Method::GET,
            Some((_, method)) if known.contains(&method) => {
                Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST)
            }
            Some((text, other)) => {
                let hint = suggestion(other, known.iter().copied());
                let shown = Shown::near(other, known.iter().copied());
                if shown.is_some() {
                    self.source.reveal(text.0.span());
                }
                let problem = Sentence::naming(
                    "\"{}\" is not a method that a token request can have",
                    shown,
                    "this is not a method that a token request can have",
                );
                self.fault(text.0.span(), problem).hint = Some(hint);
                Method::POST
            }
        }
    }

    fn headers(&mut self, request: &Request) -> Vec<(HeaderName, Template)> {
        let mut headers = Vec::new();
        for (name, text) in &request.headers.0 {
            match HeaderName::try_from(name.get_ref().as_str()) {
                Ok(header) if TRANSPORT_HEADERS.contains(&header.as_str()) => {
                    self.fault(
                        name.span(),
                        Sentence::fill(
                            "the header `{}` is set by the transport",
                            [Shown::name(name.get_ref())],
                        ),
                    )
                    .hint = Some(match header.as_str() {
                        "content-length" => "leave it out: each body has its length, and a POST, \
                                             PUT or PATCH without a body has `Content-Length: 0`"
                            .into(),
                        "host" => "leave it out: it is the host of `request.url`".into(),
                        _ => "leave it out".into(),
                    });
                }
                Ok(header) if headers.iter().any(|(known, _)| *known == header) => {
                    self.fault(
                        name.span(),
                        Sentence::fill(
                            "the header `{}` is given twice",
                            [Shown::name(name.get_ref())],
                        ),
                    )
                    .hint = Some("upper and lower case do not tell headers apart".into());
                }
                Ok(header) => {
                    if header == header::CONTENT_TYPE {
                        self.check_multipart(request, text);
                    }
                    headers.extend(self.template(text).map(|template| (header, template)));
                }
                Err(_) => {
                    self.fault(name.span(), "this cannot be the name of a header");
                }
            }
        }
        headers
    }

    /// Checks that a body of a multipart type has parts, and a boundary between them.
    fn check_multipart(&mut self, request: &Request, kind: &Text) {
        let is_multipart =
            kind.0.get_ref().trim_start().to_ascii_lowercase().starts_with("multipart/");
        let (problem, hint) = if !is_multipart {
            return;
        } else if request.multipart.is_some() {
            ("`request.multipart` sets this header itself, with its boundary", "leave it out")
        } else if request.form.is_some() || request.json.is_some() {
            (
                "the header says that the body is multipart, and it is not",
                "use `request.multipart`, which sets the header too",
            )
        } else {
            return;
        };
        self.fault(kind.0.span(), problem).hint = Some(hint.into());
    }
}
