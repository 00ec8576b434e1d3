//! The explanation of a probe as JSON.

use serde_json::json;

use super::ends::expires;
use super::list;

use crate::authoring::explain::Explanation;
use crate::outcome::{Outcome, Phases, Probe};
use crate::provider::Provider;

pub fn as_json(provider: &Provider, probe: &Probe, explanation: &Explanation) -> serde_json::Value {
    let phases: serde_json::Map<String, serde_json::Value> = Phases::WORDS
        .iter()
        .zip(probe.phases.values())
        .map(|(word, seconds)| ((*word).to_owned(), seconds.into()))
        .collect();
    let outcome = match &probe.outcome {
        Outcome::Issued(issued) => {
            let (expires, lifetime) = (expires(issued.expiry), issued.lifetime);
            json!({
                "issued": true,
                "expires": expires,
                "lifetime_seconds": lifetime,
                "expiry_disagreement_seconds": issued.disagreement,
            })
        }
        Outcome::Accepted => json!({ "accepted": true }),
        Outcome::Failed(failure) => {
            let facts = failure.reason.facts();
            let success = if provider.recipe.issues_tokens() { "issued" } else { "accepted" };
            json!({
                success: false,
                "class": facts.class.word(),
                "reason": facts.word,
                "code": failure.code.as_str(),
                "message": failure.message.as_str(),
                "meaning": facts.meaning,
                "action": facts.action,
                "retry_after_seconds": failure.retry_after.map(|wait| wait.as_secs_f64()),
                "missing_scopes": failure.missing_scopes,
            })
        }
    };
    let main = explanation.main();
    let others = |step: &&crate::outcome::Step| main.is_none_or(|call| *call.step != *step.name);
    let steps: Vec<serde_json::Value> = probe
        .steps
        .iter()
        .filter(others)
        .map(|step| {
            let call = explanation.calls.iter().find(|call| *call.step == *step.name);
            json!({
                "step": &*step.name,
                "duration_seconds": step.duration,
                "failure": step.failure.as_ref().map(|failure| json!({
                    "reason": failure.reason.word(),
                    "code": failure.code.as_str(),
                    "message": failure.message.as_str(),
                })),
                "request": call.map(|call| &call.request),
                "http_status": call.and_then(|call| call.status),
                "answer": call.map(|call| json!({ "headers": call.headers, "body": call.body })),
                "reading": call.map(|call| &call.reading),
            })
        })
        .collect();
    json!({
        "provider": provider.name,
        "recipe": provider.recipe.name,
        "kind": provider.recipe.kind().word(),
        "started": probe.started.to_string(),
        "duration_seconds": probe.duration,
        "phases_seconds": phases,
        "http_status": probe.status,
        "certificate_expires": probe.certificate_expiry.map(|end| end.to_string()),
        "clock_skew_seconds": probe.clock_skew,
        "request": main.map(|call| &call.request),
        "answer": {
            "headers": main.map(|call| &call.headers),
            "body": main.map(|call| &call.body),
        },
        "reading": main.map(|call| &call.reading),
        "suggestions": main.map(|call| &call.suggestions),
        "steps": steps,
        "skipped": explanation.skipped,
        "credential_ends": probe.known_ends().map(|end| json!({
            "credential": &*end.credential,
            "source": end.source.word(),
            "expires": expires(end.with_max_age(provider.policy.max_age)),
            "created": end.created.map(|created| created.to_string()),
        })).collect::<Vec<_>>(),
        "listed": probe.list.as_deref().map(|list| list::as_json(list, provider)),
        "side_effects": provider.recipe.side_effects,
        "outcome": outcome,
    })
}
