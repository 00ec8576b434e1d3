//! Keeps the smallest of many items, in memory that does not grow with their number.

/// The smallest items so far.
pub struct Earliest<T, K> {
    items: Vec<T>,
    most: usize,
    key: fn(&T) -> K,
    /// Items from this key on are too large.
    limit: Option<K>,
}

impl<T, K: Ord> Earliest<T, K> {
    /// Keeps so many items, ordered by this key.
    pub fn new(most: usize, key: fn(&T) -> K) -> Self {
        Self { items: Vec::new(), most: most.max(1), key, limit: None }
    }

    /// Whether an item with this key can be one of the smallest.
    pub fn takes(&self, key: &K) -> bool {
        self.limit.as_ref().is_none_or(|limit| key < limit)
    }

    /// Adds an item.
    pub fn push(&mut self, item: T) {
        if !self.takes(&(self.key)(&item)) {
            return;
        }
        self.items.push(item);
        if self.items.len() >= self.most * 2 {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        if self.items.len() <= self.most {
            return;
        }
        let key = self.key;
        let (_, next, _) =
            self.items.select_nth_unstable_by(self.most, |one, other| key(one).cmp(&key(other)));
        self.limit = Some(key(next));
        self.items.truncate(self.most);
    }

    /// The smallest items, in no order.
    pub fn finish(mut self) -> Vec<T> {
        self.shrink();
        self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_many_are_kept_and_no_more_than_twice_as_many() {
        let mut earliest = Earliest::new(3, |number: &u32| *number);
        // 7 has no common factor with 1,000, so these are all numbers below 1,000.
        for number in (0..1_000).map(|step| step * 7 % 1_000) {
            earliest.push(number);
            assert!(earliest.items.len() < 6, "{}", earliest.items.len());
        }
        assert!(!earliest.takes(&999) && earliest.takes(&0));
        let mut kept = earliest.finish();
        kept.sort_unstable();
        assert_eq!(kept, [0, 1, 2]);
    }

    #[test]
    fn few_items_are_all_kept() {
        let mut earliest = Earliest::new(3, |number: &u32| *number);
        earliest.push(9);
        assert_eq!(earliest.finish(), [9]);
    }
}
