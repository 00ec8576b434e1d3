//! Compares the reports of the daemon with the ground truth: alarms, breakages, recoveries, and
//! each pause between two requests.

use std::time::Duration;

use crate::case::{Case, Found, reported_within};
use crate::events::{Event, Kind};
use crate::exposition::State;
use crate::files::name;
use crate::model::Replay;
use crate::observer::{POLL, SCRAPE, Seen};
use crate::report::Report;
use crate::scale::{INTERVAL, NOTICED, TICK, TIMEOUT};
use crate::truth::{Answer, Class, Served};

/// The data of one provider.
struct Subject<'a> {
    name: String,
    is_late: bool,
    served: &'a [Served],
    replay: &'a Replay,
    seen: &'a [Seen],
    events: &'a [&'a Event],
}

impl Case<'_> {
    /// Judges all providers and adds the findings to the report.
    pub fn judge(&self, report: &mut Report) {
        let mut found = Found::default();
        for provider in 0..self.providers {
            let served = self.world.served(provider);
            let replay = Replay::of(&served);
            let seen = self.observer.timeline(provider);
            let events: Vec<&Event> =
                self.events.iter().filter(|event| event.provider == provider).collect();
            let subject = Subject {
                name: name(provider),
                is_late: self.late.contains(&provider),
                served: &served,
                replay: &replay,
                seen: &seen,
                events: &events,
            };
            self.count(&subject, &mut found);
            self.alarms(&subject, &mut found);
            self.pauses(&subject, &mut found);
            for event in &events {
                self.event(&subject, event, &mut found);
            }
        }
        self.report(&found, report);
    }

    fn count(&self, subject: &Subject, found: &mut Found) {
        let within =
            subject.served.iter().filter(|one| one.at() >= self.from && one.at() < self.to);
        let (mut requests, mut transient, mut waits) = (0, 0, 0);
        for one in within {
            requests += 1;
            transient += usize::from(one.answer.is_transient());
            let waits_long = |seconds: u8| u64::from(seconds) > INTERVAL.as_secs();
            waits += usize::from(
                matches!(one.answer, Answer::Throttled(seconds) if waits_long(seconds)),
            );
        }
        found.requests += requests;
        found.in_the_storm += subject
            .served
            .iter()
            .filter(|one| one.at() >= self.from && one.at() < self.ended)
            .count();
        found.transient += transient;
        if subject.events.is_empty() && waits == 0 {
            found.steady.push(requests);
        }
    }

    /// Checks each report of a broken provider, and looks for missing reports.
    fn alarms(&self, subject: &Subject, found: &mut Found) {
        for (before, alarm) in
            std::iter::once(None).chain(subject.seen.iter().map(Some)).zip(subject.seen)
        {
            let begins = alarm.state == State::Broken
                && before.is_none_or(|before| before.state != State::Broken);
            if !begins || alarm.at < self.from {
                continue;
            }
            let slack = SCRAPE + self.delays.allowance(alarm.at, alarm.at);
            if subject.events.iter().any(|event| {
                event.kind.breaks() && alarm.at >= event.begins && alarm.at <= event.ends + slack
            }) {
                continue;
            }
            let last: Vec<Answer> = subject
                .served
                .iter()
                .filter(|one| one.at() <= alarm.at)
                .map(|one| one.answer)
                .collect();
            let last = &last[last.len().saturating_sub(5)..];
            let line = format!(
                "{} reported as broken at {:.1} s ({:?}), the last answers were {last:?}",
                subject.name,
                alarm.at.as_secs_f64(),
                alarm.class
            );
            if alarm.class == Some(Class::Credential) {
                found.false_credential_alarms.push(line);
            } else if subject
                .replay
                .is_broken_within(alarm.at.saturating_sub(slack + SCRAPE), alarm.at + slack)
            {
                found.broken_by_chance.push(line);
            } else if subject.is_late {
                found.broken_by_machine += 1;
            } else {
                found.unexplained_alarms.push(line);
            }
        }
        // The endpoint does not see connections to a closed port; `event` judges those.
        if subject.events.iter().any(|event| event.kind == Kind::Closed) {
            return;
        }
        for change in subject
            .replay
            .changes
            .iter()
            .filter(|change| change.broken && change.at > self.from && change.at < self.to)
        {
            let until =
                change.at + 2 * SCRAPE + self.delays.allowance(change.at, change.at + SCRAPE);
            if !subject.is_late
                && first_seen(subject.seen, State::Broken, change.at, until).is_none()
            {
                found.unreported.push(format!(
                    "{} is broken by the rules at {:.2} s, but the daemon did not report it",
                    subject.name,
                    change.at.as_secs_f64()
                ));
            }
        }
    }

    /// Checks each pause between two requests: by the rules it is neither too short nor too long.
    fn pauses(&self, subject: &Subject, found: &mut Found) {
        let disturbed = |from: Duration, to: Duration| {
            subject.events.iter().any(|event| match event.kind {
                Kind::Closed => from <= event.ends + INTERVAL && to >= event.begins,
                // The daemon notices a changed secret file and probes at once.
                Kind::RotatedTogether => {
                    from <= event.begins + NOTICED + TIMEOUT && to >= event.begins
                }
                Kind::RotatedLate => from <= event.ends + NOTICED + TIMEOUT && to >= event.ends,
                _ => false,
            })
        };
        let mut known = false;
        for (two, window) in subject.served.windows(2).zip(&subject.replay.windows) {
            let (from, to) = (two[0].at(), two[1].at());
            if from < self.from || to >= self.to {
                continue;
            }
            // After an event that the rules do not know, the slots are unknown until the second
            // regular pause.
            let certain = std::mem::replace(&mut known, !disturbed(from, to)) && known;
            if disturbed(from, to) {
                continue;
            }
            found.pauses += 1;
            let allowance = self.delays.allowance(from, to);
            let pause = to.saturating_sub(from);
            let (earliest, latest) = if certain || window.latest < INTERVAL {
                (window.earliest, window.latest)
            } else {
                (window.earliest.min(INTERVAL / 2), window.latest.max(INTERVAL + INTERVAL / 2))
            };
            let line = || {
                format!(
                    "{} got a request at {:.2} s ({:?}) and the next one {:.2} s later",
                    subject.name,
                    from.as_secs_f64(),
                    two[0].answer,
                    pause.as_secs_f64()
                )
            };
            let takes = two[0].answer.takes();
            let (early, late) = (pause + allowance < earliest, pause > latest + takes + allowance);
            if (early || late) && !self.delays.is_calm(from, to) {
                found.excused[0] += 1;
                known = false;
            } else if early {
                found.early_requests.push(line());
            } else if late {
                found.late_requests.push(line());
            }
        }
    }

    /// Checks a breakage: the daemon must report it in time, and must report its end in time.
    fn event(&self, subject: &Subject, event: &Event, found: &mut Found) {
        if !event.kind.breaks() {
            return;
        }
        let report = first_seen(subject.seen, State::Broken, event.begins, event.ends + POLL);
        let reported = report.map(|(reported, _)| reported);
        let line = |what: &str| {
            let answers: Vec<String> = subject
                .served
                .iter()
                .filter(|one| {
                    one.at() + 2 * INTERVAL > event.begins && one.at() < event.ends + 2 * INTERVAL
                })
                .map(|one| format!("{:.2} {:?}", one.at().as_secs_f64(), one.answer))
                .collect();
            let (begins, ends) = (event.begins.as_secs_f64(), event.ends.as_secs_f64());
            format!(
                "{}, {} from {begins:.2} s to {ends:.2} s: {what}; {}",
                subject.name,
                event.kind.word(),
                answers.join(", ")
            )
        };
        let until = reported.unwrap_or(event.ends);
        let allowance = self.delays.allowance(event.begins, until) + POLL;
        let first = subject.served.partition_point(|one| one.at() < event.begins);
        // A transient fault before the decision, or an irregular pause, delays the report.
        let faults = subject.served[first..]
            .iter()
            .take_while(|one| one.at() < until)
            .any(|one| one.answer.is_transient());
        let calm = self.delays.is_calm(event.begins.saturating_sub(4 * INTERVAL), until);
        let delayed =
            faults || (event.kind != Kind::Closed && !subject.replay.comes_regularly(first));
        match report {
            None if event.kind != Kind::Closed
                && !subject.replay.is_broken_within(event.begins, event.ends) =>
            {
                found.undecided += 1;
            }
            None if !calm => found.excused[1] += 1,
            None => found.missed.push(line("the daemon did not report it")),
            Some((reported, not_before)) => {
                let latency = reported.saturating_sub(event.begins);
                found.reported.entry(event.kind).or_default().push(latency);
                let bound = reported_within(event.kind) + allowance;
                let late = not_before > event.begins + bound;
                if delayed {
                    found.delayed += 1;
                } else if late && !calm {
                    found.excused[1] += 1;
                } else if late {
                    found.late.push(line(&format!(
                        "reported after {:.2} s, the bound is {:.2} s",
                        latency.as_secs_f64(),
                        bound.as_secs_f64()
                    )));
                }
                // Delayed or not: after the deciding answer the daemon must report the breakage.
                let decided = subject
                    .replay
                    .changes
                    .iter()
                    .find(|change| change.broken && change.at >= event.begins)
                    .map(|change| change.at);
                if let Some(decided) = decided.filter(|decided| {
                    calm && event.kind != Kind::Closed && not_before > *decided + allowance
                }) {
                    found.late.push(line(&format!(
                        "decided at {:.2} s and reported at {:.2} s",
                        decided.as_secs_f64(),
                        reported.as_secs_f64()
                    )));
                }
            }
        }
        self.recovery(subject, event, &line, found);
    }

    fn recovery(
        &self,
        subject: &Subject,
        event: &Event,
        line: &dyn Fn(&str) -> String,
        found: &mut Found,
    ) {
        let Some((healthy, not_yet)) =
            first_seen(subject.seen, State::Healthy, event.ends, Duration::MAX)
        else {
            found.not_recovered.push(line("never healthy again"));
            return;
        };
        let latency = healthy.saturating_sub(event.ends);
        found.recovered.entry(event.kind).or_default().push(latency);
        let after = subject.served.partition_point(|one| one.at() < event.ends);
        let last = after
            .checked_sub(1)
            .and_then(|last| Some((subject.served.get(last)?, subject.replay.windows.get(last)?)));
        let faults = subject.served[after..]
            .iter()
            .take_while(|one| one.at() < healthy)
            .any(|one| one.answer.is_transient());
        let allowance = self.delays.allowance(event.ends, healthy) + POLL + TICK;
        let bound = match (event.kind, last) {
            _ if faults => return,
            (Kind::RotatedLate, Some((one, _))) if one.answer == Answer::Refused => NOTICED,
            (Kind::Closed, _) | (_, None) => INTERVAL + INTERVAL / 2 + TIMEOUT,
            (_, Some((one, window))) => {
                (one.at() + one.answer.takes() + window.latest).saturating_sub(event.ends) + TIMEOUT
            }
        };
        let late = not_yet > event.ends + bound + allowance;
        if late && !self.delays.is_calm(event.begins, healthy) {
            found.excused[2] += 1;
        } else if late {
            let (took, bound) = (latency.as_secs_f64(), (bound + allowance).as_secs_f64());
            found
                .not_recovered
                .push(line(&format!("healthy after {took:.2} s, the bound is {bound:.2} s")));
        }
    }
}

/// When the daemon first reported a state between two times, and until when it certainly reported
/// another state.
fn first_seen(
    seen: &[Seen],
    state: State,
    from: Duration,
    to: Duration,
) -> Option<(Duration, Duration)> {
    let next = seen.partition_point(|one| one.at < from);
    if next > 0 && seen[next - 1].state == state {
        return Some((from, from));
    }
    let found =
        seen[next..].iter().take_while(|one| one.at <= to).position(|one| one.state == state)?
            + next;
    let before = found.checked_sub(1).map_or(from, |before| seen[before].until.max(from));
    Some((seen[found].at, before))
}
