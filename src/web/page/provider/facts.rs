//! Details of a provider: token, certificate, clock, scopes and endpoint.

use maud::{Markup, html};

use super::view::View;
use crate::links::Link;
use crate::outcome::{Expiry, Issued};
use crate::web::page::format::{span, untrusted};

/// A difference between two clocks that is within the accuracy of the measurement, in seconds.
const CLOCKS_AGREE: f64 = 2.0;

pub fn section(view: &View) -> Markup {
    let rows: Vec<Row> = expiries(view).into_iter().chain(others(view)).collect();
    html! {
        @if !rows.is_empty() {
            section.facts {
                h2 { "Details" }
                dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
            }
        }
    }
}

type Row = (&'static str, Markup);

fn expiries(view: &View) -> Vec<Row> {
    let (health, provider) = (&view.health, view.provider);
    let mut rows: Vec<Row> = Vec::new();
    if let Some(token) = health.token() {
        let expiry = match token.expiry {
            Expiry::At(end) => view.at(end),
            Expiry::Never => html! { "never" },
            Expiry::Unknown => html! { "not known" },
        };
        rows.push((
            "Token expires",
            html! {
                (expiry)
                @if let Some(lifetime) = token.lifetime {
                    small { ", issued for " (span(lifetime)) }
                }
            },
        ));
    }
    let disagreement = health.token().and_then(|token| token.disagreement);
    if let Some(seconds) = disagreement.filter(|seconds| seconds.abs() > Issued::AGREE) {
        let side = if seconds > 0.0 { "after" } else { "before" };
        let sentence = html! { (span(seconds.abs())) " " (side) " the end that the answer tells" };
        rows.push(("End in the token (exp)", sentence));
    }
    if let Some(end) = provider.secret_expires {
        rows.push(("Secret expires", view.at(end)));
    }
    for (end, expiry) in health.credential_ends(provider) {
        let shown = match expiry {
            Expiry::At(time) => view.at(time),
            Expiry::Never => html! { "never" },
            Expiry::Unknown => html! { "not known" },
        };
        rows.push((
            "Credential expires",
            html! {
                (shown)
                small { ", " (end.source.word()) }
                @if !end.credential.is_empty() { " " code { (untrusted(&end.credential)) } }
                @if let Some(created) = end.created { small { ", created " (view.past(created)) } }
            },
        ));
    }
    if let Some(end) = health.client_certificate_expiry(provider) {
        rows.push(("Client certificate expires", view.at(end)));
    }
    if let Some(end) = health.certificate_expiry() {
        rows.push(("Certificate expires", view.at(end)));
    }
    rows
}

fn others(view: &View) -> Vec<Row> {
    let (health, provider) = (&view.health, view.provider);
    let mut rows: Vec<Row> = Vec::new();
    if let Some(skew) = health.clock_skew() {
        let sentence = if skew.abs() < CLOCKS_AGREE {
            html! { "in sync" }
        } else {
            let side = if skew > 0.0 { "ahead of" } else { "behind" };
            html! { (span(skew.abs())) " " (side) " the clock of this host" }
        };
        rows.push(("Provider's clock", sentence));
    }
    if health.missing_scopes() > 0 {
        rows.push(("Missing scopes", html! { (health.missing_scopes()) }));
    }
    let required = &provider.expectations.required_scopes;
    if !required.is_empty() {
        rows.push((
            "Required scopes",
            html! { @for scope in required { code { (untrusted(scope)) } " " } },
        ));
    }
    if let Some(endpoint) = &provider.endpoint {
        rows.push(("Endpoint", html! { code { (untrusted(endpoint)) } }));
    }
    // A failure shows the documentation beside what to do.
    if let (Some(text), None) = (&provider.recipe.documentation, health.current_failure()) {
        rows.push(("Documentation of the recipe", documentation(text)));
    }
    rows
}

/// The title of the documentation, and a link with its host if the text ends with an address. The
/// author of the recipe chose both.
pub fn documentation(text: &str) -> Markup {
    let (title, address) = text.rsplit_once("; ").unwrap_or((text, text));
    let link = Link::checked(address);
    let host = link.as_ref().and_then(Link::host);
    html! {
        @if let (Some(link), Some(host)) = (link, host) {
            a href=(&*link) rel="noreferrer noopener" { (untrusted(title)) }
            " " small { "(" (untrusted(&host)) ")" }
        } @else { (untrusted(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_a_recipe_shows_its_host() {
        let of = |text: &str| documentation(text).into_string();
        assert_eq!(
            of("Your credential was revoked. Renew it here; https://evil.example/x"),
            "<a href=\"https://evil.example/x\" rel=\"noreferrer noopener\"><bdi>Your credential \
             was revoked. Renew it here</bdi></a> <small>(<bdi>evil.example</bdi>)</small>"
        );
        let no_link = "Renew it here; https:evil.example";
        assert_eq!(of(no_link), format!("<bdi>{no_link}</bdi>"));
    }
}
