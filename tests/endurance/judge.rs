//! What was seen, held against what was really the matter: alarms, breakages, recoveries, and every
//! single pause.

use std::time::Duration;

use crate::case::{Case, Found, told_within};
use crate::events::{Event, Kind};
use crate::exposition::State;
use crate::files::name;
use crate::model::Replay;
use crate::observer::{POLL, SCRAPE, Seen};
use crate::report::Report;
use crate::scale::{INTERVAL, NOTICED, TICK, TIMEOUT};
use crate::truth::{Answer, Class, Served};

/// One provider.
struct Subject<'a> {
    name: String,
    is_late: bool,
    served: &'a [Served],
    replay: &'a Replay,
    seen: &'a [Seen],
    events: &'a [&'a Event],
}

impl Case<'_> {
    /// Judges everything into the report.
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

    /// Every time that a provider was called broken: was it?
    fn alarms(&self, subject: &Subject, found: &mut Found) {
        for (before, alarm) in
            std::iter::once(None).chain(subject.seen.iter().map(Some)).zip(subject.seen)
        {
            let begins = alarm.state == State::Broken
                && before.is_none_or(|before| before.state != State::Broken);
            if !begins || alarm.at < self.from {
                continue;
            }
            let slack = SCRAPE + self.control.allowance(alarm.at, alarm.at);
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
                "{} called broken at {:.1} s ({:?}), the last answers were {last:?}",
                subject.name,
                alarm.at.as_secs_f64(),
                alarm.class
            );
            if alarm.class == Some(Class::Credential) {
                found.of_the_credential.push(line);
            } else if subject
                .replay
                .is_broken_within(alarm.at.saturating_sub(slack + SCRAPE), alarm.at + slack)
            {
                found.unlucky.push(line);
            } else if subject.is_late {
                found.by_the_machine += 1;
            } else {
                found.unexplained.push(line);
            }
        }
        // What the endpoint cannot see is left to the events.
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
                change.at + 2 * SCRAPE + self.control.allowance(change.at, change.at + SCRAPE);
            if !subject.is_late
                && first_seen(subject.seen, State::Broken, change.at, until).is_none()
            {
                found.untold.push(format!(
                    "{} is broken by the rules at {:.2} s, and nobody was told",
                    subject.name,
                    change.at.as_secs_f64()
                ));
            }
        }
    }

    /// Every pause between two requests: neither too short nor too long by the rules.
    fn pauses(&self, subject: &Subject, found: &mut Found) {
        let disturbed = |from: Duration, to: Duration| {
            subject.events.iter().any(|event| match event.kind {
                Kind::Closed => from <= event.ends + INTERVAL && to >= event.begins,
                // A changed file is looked for, and asks at once.
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
            // Off the grid after something that the rules do not know of, until two regular pauses
            // are behind.
            let certain = std::mem::replace(&mut known, !disturbed(from, to)) && known;
            if disturbed(from, to) {
                continue;
            }
            found.pauses += 1;
            let allowance = self.control.allowance(from, to);
            let pause = to.saturating_sub(from);
            let (earliest, latest) = if certain || window.latest < INTERVAL {
                (window.earliest, window.latest)
            } else {
                (window.earliest.min(INTERVAL / 2), window.latest.max(INTERVAL + INTERVAL / 2))
            };
            let line = || {
                format!(
                    "{} asked at {:.2} s ({:?}) and {:.2} s later",
                    subject.name,
                    from.as_secs_f64(),
                    two[0].answer,
                    pause.as_secs_f64()
                )
            };
            let takes = two[0].answer.takes();
            let (early, late) = (pause + allowance < earliest, pause > latest + takes + allowance);
            if (early || late) && !self.control.is_calm(from, to) {
                found.excused[0] += 1;
                known = false;
            } else if early {
                found.early_requests.push(line());
            } else if late {
                found.late_requests.push(line());
            }
        }
    }

    /// A breakage: told in time, and seen to end in time?
    fn event(&self, subject: &Subject, event: &Event, found: &mut Found) {
        if !event.kind.breaks() {
            return;
        }
        let sight = first_seen(subject.seen, State::Broken, event.begins, event.ends + POLL);
        let told = sight.map(|(told, _)| told);
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
        let allowance = self.control.allowance(event.begins, told.unwrap_or(event.ends)) + POLL;
        let first = subject.served.partition_point(|one| one.at() < event.begins);
        // Something that chance put in the way: a fault before the conclusion, or a pause that was
        // not the regular one.
        let until = told.unwrap_or(event.ends);
        let faults = subject.served[first..]
            .iter()
            .take_while(|one| one.at() < until)
            .any(|one| one.answer.is_transient());
        let calm = self.control.is_calm(event.begins.saturating_sub(4 * INTERVAL), until);
        let hindered = faults
            || (event.kind != Kind::Closed
                && !subject.replay.on_grid.get(first).copied().unwrap_or(false));
        match sight {
            None if event.kind != Kind::Closed
                && !subject.replay.is_broken_within(event.begins, event.ends) =>
            {
                found.unconcluded += 1;
            }
            None if !calm => found.excused[1] += 1,
            None => found.missed.push(line("nobody was told")),
            Some((told, untold)) => {
                let latency = told.saturating_sub(event.begins);
                found.told.entry(event.kind).or_default().push(latency);
                let bound = told_within(event.kind) + allowance;
                let late = untold > event.begins + bound;
                if hindered {
                    found.in_the_way += 1;
                } else if late && !calm {
                    found.excused[1] += 1;
                } else if late {
                    found.late.push(line(&format!(
                        "told after {:.2} s, where {:.2} s were allowed",
                        latency.as_secs_f64(),
                        bound.as_secs_f64()
                    )));
                }
                // Hindered or not: once the endpoint has answered what decides, it must be told.
                let decided = subject
                    .replay
                    .changes
                    .iter()
                    .find(|change| change.broken && change.at >= event.begins)
                    .map(|change| change.at);
                if let Some(decided) = decided.filter(|decided| {
                    calm && event.kind != Kind::Closed && untold > *decided + allowance
                }) {
                    found.late.push(line(&format!(
                        "decided at {:.2} s and told at {:.2} s",
                        decided.as_secs_f64(),
                        told.as_secs_f64()
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
        let allowance = self.control.allowance(event.ends, healthy) + POLL + TICK;
        let bound = match (event.kind, last) {
            _ if faults => return,
            (Kind::RotatedLate, Some((one, _))) if one.answer == Answer::Refused => NOTICED,
            (Kind::Closed, _) | (_, None) => INTERVAL + INTERVAL / 2 + TIMEOUT,
            (_, Some((one, window))) => {
                (one.at() + one.answer.takes() + window.latest).saturating_sub(event.ends) + TIMEOUT
            }
        };
        let late = not_yet > event.ends + bound + allowance;
        if late && !self.control.is_calm(event.begins, healthy) {
            found.excused[2] += 1;
        } else if late {
            let (took, bound) = (latency.as_secs_f64(), (bound + allowance).as_secs_f64());
            found
                .not_recovered
                .push(line(&format!("healthy after {took:.2} s, where {bound:.2} s were allowed")));
        }
    }
}

/// When a state is first seen, or is still held, between two times; and until when another was seen
/// for certain.
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
