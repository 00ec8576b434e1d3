//! The form of tallies in the database: those of up to 64 providers in one value. An hour of a
//! healthy provider takes about 13 bytes.

use std::collections::BTreeMap;

use crate::outcome::Class;
use crate::state::Tally;

/// How many providers have their tallies in one value.
pub const PROVIDERS: u32 = 64;

/// The tallies of one period by the place of the provider, which is below [`PROVIDERS`].
pub type Tallies = BTreeMap<u8, Tally>;

/// Flags of an entry: the first bits say which classes have failures.
const OTHER_TIMED: u8 = 1 << Class::ALL.len();
const BROKEN: u8 = OTHER_TIMED << 1;

/// Writes tallies.
pub fn pack(tallies: &Tallies) -> Vec<u8> {
    let mut out = Vec::with_capacity(tallies.len() * 16);
    for (place, tally) in tallies {
        let classes = tally.failures.iter().enumerate();
        let mut flags =
            classes.fold(0, |flags, (class, count)| flags | u8::from(*count > 0) << class);
        flags |= if tally.timed == tally.probes { 0 } else { OTHER_TIMED };
        flags |= if tally.broken == 0 { 0 } else { BROKEN };
        out.extend([*place, flags]);
        put(&mut out, tally.probes);
        tally.failures.iter().filter(|count| **count > 0).for_each(|count| put(&mut out, *count));
        if flags & OTHER_TIMED != 0 {
            put(&mut out, tally.timed);
        }
        put(&mut out, tally.duration_sum);
        put(&mut out, tally.duration_max);
        put(&mut out, tally.observed);
        if flags & BROKEN != 0 {
            put(&mut out, tally.broken);
        }
    }
    out
}

/// Reads tallies; `None` when the bytes are no tallies.
pub fn unpack(mut bytes: &[u8]) -> Option<Tallies> {
    let mut tallies = Tallies::new();
    while let [place, flags, rest @ ..] = bytes {
        bytes = rest;
        let mut tally = Tally { probes: take(&mut bytes)?, ..Tally::default() };
        for (class, count) in tally.failures.iter_mut().enumerate() {
            if flags & 1 << class != 0 {
                *count = take(&mut bytes)?;
            }
        }
        tally.timed = if flags & OTHER_TIMED == 0 { tally.probes } else { take(&mut bytes)? };
        tally.duration_sum = take(&mut bytes)?;
        tally.duration_max = take(&mut bytes)?;
        tally.observed = take(&mut bytes)?;
        if flags & BROKEN != 0 {
            tally.broken = take(&mut bytes)?;
        }
        tallies.insert(*place, tally);
    }
    bytes.is_empty().then_some(tallies)
}

/// Writes a number, seven bits in each byte, the lowest first (LEB128).
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // No sum of a day is larger.
            return (number <= u64::from(u32::MAX) * 24).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_are_read_as_they_were_written_and_a_healthy_hour_is_short() {
        let healthy = Tally {
            probes: 360,
            timed: 360,
            duration_sum: 360 * 80,
            duration_max: 230,
            observed: 3_600_000,
            ..Tally::default()
        };
        let failing = Tally {
            probes: 90,
            failures: [1, 0, 80, 2],
            timed: 88,
            duration_sum: 127,
            duration_max: 128,
            observed: 3_600_000,
            broken: 3_599_999,
        };
        let tallies = Tallies::from([(0, healthy), (7, Tally::default()), (63, failing)]);
        let packed = pack(&tallies);
        assert_eq!(unpack(&packed), Some(tallies));
        assert_eq!(pack(&Tallies::from([(0, healthy)])).len(), 13);
        for end in 1..13 {
            assert_eq!(unpack(&packed[..end]), None, "{end} bytes");
        }
        assert_eq!(unpack(&[0xff; 40]), None);
        assert_eq!(unpack(&[]), Some(Tallies::new()));
    }
}
