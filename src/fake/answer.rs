//! The answers of a fake API.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use minijinja::Value;

use super::definition::Answer;
use crate::language::json_template::JsonTemplate;
use crate::language::names::Names;
use crate::language::template::{Template, real};
use crate::recipe::definition::Text;

/// An answer with its templates compiled.
pub struct CompiledAnswer {
    status: StatusCode,
    headers: Vec<(HeaderName, Template)>,
    json: Option<JsonTemplate>,
    body: Option<Template>,
}

impl CompiledAnswer {
    pub fn new(answer: &Answer, names: &Names) -> Self {
        let template = |text: &Text| {
            Template::new(text.0.get_ref(), names)
                .unwrap_or_else(|mistake| panic!("an answer: {}", mistake.message))
        };
        Self {
            status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
            headers: answer
                .headers
                .0
                .iter()
                .filter_map(|(name, text)| Some((name.get_ref().parse().ok()?, template(text))))
                .collect(),
            json: answer
                .json
                .as_ref()
                .map(|node| JsonTemplate::new(node, &mut |text| Some(template(text)))),
            body: answer.body.as_ref().map(template),
        }
    }

    pub fn render(&self, facts: &Value) -> Result<Response, minijinja::Error> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        if let Some(json) = &self.json {
            let json = json.render(facts, &mut real)?.unwrap_or_default();
            *response.body_mut() = Body::from(json.to_string());
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        } else if let Some(body) = &self.body {
            *response.body_mut() = Body::from(body.text(facts, &mut real)?.unwrap_or_default());
        }
        for (name, template) in &self.headers {
            if let Some(value) =
                template.text(facts, &mut real)?.and_then(|text| HeaderValue::try_from(text).ok())
            {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }
}
