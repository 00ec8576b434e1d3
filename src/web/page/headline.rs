//! The headline of the list: how many of the selected credentials are broken, in which way, and
//! with which one to begin.

use maud::{Markup, html};

use super::expiring::known;
use super::facet::Facet;
use super::finding::Found;
use super::format::{count, grouped, minute, prose, provider_path, unit, untrusted, visible};
use super::runway::consequence;
use super::selection::Selection;
use super::shape::{Kind, Shape, sign};
use crate::next_step::{Retry, next_step};
use crate::state::{Entry, Moment, State};
use crate::time::unix_seconds;

/// How many causes the headline shows.
const MOST_CAUSES: usize = 5;

/// With so many broken credentials or fewer, the list itself shows the causes.
const FEW: usize = 5;

/// The headline.
pub fn lead(found: &Found, selection: &Selection, now: Moment) -> Markup {
    let failing = found.selected.of(Facet::In(State::Failing));
    let is_broken = found.selected.of(Facet::In(State::Broken)) > 0;
    html! {
        div.lead {
            h1 {
                @if is_broken {
                    @for kind in Kind::ALL {
                        @let number = found.selected.broken(kind);
                        @if number > 0 {
                            a class={ "big " (kind.word()) }
                                href=(selection.with_kind(kind).address()) {
                                (sign(Shape::Broken(kind)))
                                b { (grouped(number)) } " " (kind.phrase())
                            } " "
                        }
                    }
                    @if failing > 0 {
                        @let address = selection.with_facet(Some(Facet::In(State::Failing)));
                        a.more href=(address.address()) {
                            "· " (grouped(failing)) " failing, not confirmed"
                        }
                    }
                } @else {
                    @let (shape, text) = calm(found, selection);
                    @if let Some(shape) = shape { span class=(shape.word()) { (sign(shape)) } }
                    (text)
                }
            }
            (causes(found, selection))
            @if let Some(worst) = found.worst { (begin(worst, now)) }
        }
    }
}

/// The most frequent causes of failures; nothing when few credentials are broken.
fn causes(found: &Found, selection: &Selection) -> Markup {
    let causes = || found.causes.iter().take_while(|(_, number)| *number > 2).take(MOST_CAUSES);
    if found.selected.of(Facet::In(State::Broken)) <= FEW || causes().next().is_none() {
        return Markup::default();
    }
    html! {
        p.causes {
            "Largest: "
            @for ((reason, code), number) in causes() {
                a href=(selection.with_failure(*reason, code.as_str()).address()) {
                    (grouped(*number)) " × " b { (reason.word()) }
                    @if !code.is_empty() { " " (code.as_str()) }
                } " "
            }
        }
    }
}

/// The headline when no selected credential is broken.
fn calm(found: &Found, selection: &Selection) -> (Option<Shape>, String) {
    let of = |facet| found.selected.of(facet);
    let (failing, unknown, healthy) = (
        of(Facet::In(State::Failing)),
        of(Facet::In(State::Unknown)),
        of(Facet::In(State::Healthy)),
    );
    let paused = of(Facet::Paused);
    match selection.facet {
        _ if found.total.all == 0 => (None, "No provider is configured.".into()),
        _ if found.selected.all == 0 && selection.text.is_empty() => {
            (None, "No provider matches".into())
        }
        _ if found.selected.all == 0 => {
            (None, format!("No provider matches “{}”", visible(&selection.text)))
        }
        Some(facet @ (Facet::NextBroken | Facet::Ended | Facet::Ending)) => {
            let text = match facet {
                Facet::NextBroken => {
                    count(of(facet), "next credential is", "next credentials are") + " refused"
                }
                Facet::Ended => count(of(facet), "credential has", "credentials have") + " ended",
                _ => count(of(facet), "credential ends", "credentials end") + " soon",
            };
            (facet.shape(), text)
        }
        _ if failing > 0 => {
            (Some(Shape::Failing), format!("{} failing, not yet confirmed.", grouped(failing)))
        }
        _ if unknown > 0 => {
            let verb = if unknown == 1 { "has" } else { "have" };
            (Some(Shape::Unknown), format!("{} {verb} no result yet.", grouped(unknown)))
        }
        None if paused == found.total.all => {
            (Some(Shape::Paused), "All providers are paused.".into())
        }
        _ if healthy == 0 => (Some(Shape::Paused), format!("{} paused", grouped(paused))),
        Some(_) => (Some(Shape::Healthy), format!("{} healthy", grouped(healthy))),
        None => (Some(Shape::Healthy), format!("All {} healthy.", grouped(healthy))),
    }
}

/// The most urgent credential, and what to do about it.
fn begin(worst: &Entry, now: Moment) -> Markup {
    let health = worst.health().clone();
    let Some(current) = health.current_failure() else { return Markup::default() };
    let name = &worst.provider.name;
    let wall = unix_seconds(now.wall);
    let code = current.failure.code.as_str();
    let known = known(&worst.provider, &health, wall);
    let next = next_step(&worst.provider, &current.failure, known, Retry::Daemon);
    let word = if code.is_empty() { current.failure.reason.word() } else { code };
    html! {
        p.begin {
            "Begin with " a href=(provider_path(name)) { (untrusted(name)) } ": "
            code { (untrusted(word)) } " since " (minute(current.since))
            " (" (unit(wall - unix_seconds(current.since))) "); "
            (consequence(&worst.provider, &health, wall))
            " " b { "Next: " } (prose(&visible(&next)))
        }
    }
}

/// The headline as a sentence, for people who do not see it.
pub fn sentence(found: &Found, selection: &Selection) -> String {
    let counts: Vec<(Kind, usize)> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, found.selected.broken(kind)))
        .filter(|(_, number)| *number > 0)
        .collect();
    if counts.is_empty() {
        let text = calm(found, selection).1;
        return if text.ends_with('.') { text } else { text + "." };
    }
    let mut sentence = String::new();
    for (place, (kind, number)) in counts.into_iter().enumerate() {
        sentence.push_str(&match (place, kind) {
            (0, Kind::Refused) => {
                format!("{} refused", count(number, "credential is", "credentials are"))
            }
            (0, _) => {
                format!("{} {}", count(number, "credential", "credentials"), kind.phrase())
            }
            _ => format!(", {} {}", grouped(number), kind.phrase()),
        });
    }
    sentence + "."
}

/// The title of the page, without the name of the program.
pub fn title(found: &Found) -> Option<String> {
    let broken = found.selected.of(Facet::In(State::Broken));
    let refused = found.selected.broken(Kind::Refused);
    let failing = found.selected.of(Facet::In(State::Failing));
    Some(match (broken, refused, failing) {
        (0, _, 0) => return None,
        (0, _, failing) => format!("{} failing", grouped(failing)),
        (broken, 0, _) => format!("{} broken", grouped(broken)),
        (broken, refused, _) if broken == refused => format!("{} refused", grouped(refused)),
        (broken, refused, _) => format!("{} refused, {} broken", grouped(refused), grouped(broken)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_step::{Known, explains};
    use crate::outcome::{Code, Failure, Reason};
    use crate::web::page::samples::provider;

    fn failure(reason: Reason, code: &'static str) -> Failure {
        let failure = Failure::new(reason, "");
        if code.is_empty() { failure } else { failure.code(Code::word(code)) }
    }

    #[test]
    fn the_next_step_fits_the_case() {
        let mut provider = provider("p", &[]);
        provider.endpoint = Some("login.example:443".into());
        provider.expectations.required_scopes = vec!["read".into(), "write".into()];
        for (reason, code, status, expected) in [
            (
                Reason::Dns,
                "",
                None,
                "`login.example` does not resolve. Check `parameters.token_url`",
            ),
            (Reason::Redirect, "http_302", Some(302), "Correct `parameters.token_url`"),
            (Reason::Timeout, "", None, "above 10s"),
            (Reason::Unavailable, "http_503", Some(503), "answers HTTP 503"),
            (Reason::Rejected, "http_404", Some(404), "check `parameters.token_url`"),
            (Reason::Rejected, "invalid_client", Some(400), "Did the secret expire"),
            (Reason::Rejected, "http_401", Some(401), "Did the secret expire"),
            (Reason::Rejected, "unauthorized_client", Some(400), "Compare client id and tenant"),
            (Reason::Rejected, "unauthorized_client", Some(401), "Did the secret expire"),
            (Reason::Rejected, "unsupported_grant_type", Some(400), "A new secret does not help."),
            (Reason::Rejected, "invalid_scope", Some(400), "correct the scope in `parameters`"),
            (Reason::Rejected, "invalid_request", Some(400), "compare `parameters` with"),
            (Reason::Rejected, "access_denied", Some(400), "permission or the network address"),
            (Reason::Rejected, "http_403", Some(403), "permission or the network address"),
            (Reason::Rejected, "invalid_grant", Some(400), "the code `invalid_grant`"),
            (
                Reason::Malformed,
                "not_json",
                Some(200),
                "login page answers for `login.example:443`",
            ),
            (Reason::Scope, "", Some(200), "`read`, `write`"),
            (Reason::Throttled, "", Some(429), "`interval` far enough above 1m"),
            (Reason::Secret, "", None, "nothing about the applications"),
        ] {
            let known = Known { status, ended: None };
            let step = next_step(&provider, &failure(reason, code), known, Retry::Daemon);
            assert!(step.contains(expected), "{reason:?} {code}: {step}");
        }
        for reason in Reason::ALL {
            let step = next_step(&provider, &failure(reason, ""), Known::default(), Retry::Daemon);
            assert!(!step.contains("credwatch probe"), "`probe` shows it too: {step}");
            assert!(step.split_whitespace().count() <= 32, "{step}");
        }
    }

    #[test]
    fn documentation_is_named_only_where_it_can_explain_the_code() {
        let provider = provider("p", &[]);
        for (reason, code, expected) in [
            (Reason::Rejected, "invalid_client", true),
            (Reason::Rejected, "E1003", false),
            (Reason::Rejected, "http_400", false),
            (Reason::Redirect, "http_302", false),
            (Reason::Dns, "", false),
            (Reason::Secret, "", false),
            (Reason::Unavailable, "http_503", false),
        ] {
            assert_eq!(explains(&provider, &failure(reason, code)), expected, "{reason:?} {code}");
        }
    }
}
