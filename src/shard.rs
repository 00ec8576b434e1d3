//! Decides which of several daemons watches a provider. Each provider has exactly one daemon. When
//! a daemon is added, most providers keep theirs.

use std::str::FromStr;

use sha2::{Digest, Sha256};

/// One of several daemons that share the providers of one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The number of this daemon, from 0 on.
    pub index: u32,
    /// The number of daemons.
    pub count: u32,
}

impl Shard {
    /// Whether this daemon watches the provider with this name. Rendezvous hashing: the daemon
    /// with the highest hash of its number and the name. A new daemon takes an equal share from
    /// each other daemon, and no other provider moves.
    #[must_use]
    pub fn owns(self, name: &str) -> bool {
        (0..self.count).max_by_key(|index| hash(*index, name)) == Some(self.index)
    }
}

fn hash(index: u32, name: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(index.to_be_bytes());
    digest.update(name.as_bytes());
    digest.finalize().into()
}

/// The largest accepted number of daemons.
const MAX_COUNT: u32 = 1_000;

impl FromStr for Shard {
    type Err = String;

    /// Reads `2/5` or `credwatch-2/5`. The name of a pod of a Kubernetes stateful set ends in its
    /// number.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a shard: write INDEX/COUNT with an index from 0 on, such as 0/3, \
                 or POD/COUNT, such as credwatch-0/3"
            )
        };
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let index = index.rsplit('-').next().unwrap_or_default().parse().map_err(|_| wrong())?;
        let count = count.parse().map_err(|_| wrong())?;
        if index < count && count <= MAX_COUNT { Ok(Self { index, count }) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(count: u32, name: &str) -> Vec<u32> {
        (0..count).filter(|index| Shard { index: *index, count }.owns(name)).collect()
    }

    #[test]
    fn each_provider_has_one_owner_and_the_shares_are_even() {
        let mut shares = [0_u32; 5];
        for number in 0..5_000 {
            let owner = owner(5, &format!("provider-{number}"));
            assert_eq!(owner.len(), 1, "{number}");
            shares[owner[0] as usize] += 1;
        }
        assert!(shares.iter().all(|share| (900..1_100).contains(share)), "{shares:?}");
    }

    #[test]
    fn a_new_daemon_takes_its_share_and_no_other_provider_moves() {
        let mut moved = 0;
        for number in 0..3_000 {
            let name = format!("provider-{number}");
            let (before, after) = (owner(3, &name), owner(4, &name));
            if before != after {
                assert_eq!(after, [3], "{name} moved to an old daemon");
                moved += 1;
            }
        }
        assert!((650..850).contains(&moved), "{moved}");
    }

    #[test]
    fn a_shard_is_written_with_a_number_or_with_the_name_of_a_pod() {
        assert_eq!("0/3".parse(), Ok(Shard { index: 0, count: 3 }));
        assert_eq!("credwatch-blue-2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for text in ["3/3", "0/0", "1", "a/b", "-1/3x", "0/9999", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
