//! Many short lists in one piece of memory: the roles of each user, the juniors and members of each role.

/// Turns an index into a place in memory.
#[inline]
pub(crate) fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// Turns a place into an index. What has more places than an index can tell apart does not fit into memory.
#[inline]
pub(crate) fn index(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Lists by number, written one after the other.
#[derive(Debug)]
pub(crate) struct Lists<T> {
    /// Where each list starts, and where the last one ends.
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    /// Room for so many lists and items.
    pub(crate) fn with_room(lists: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(lists.saturating_add(1));
        starts.push(0);
        Self { starts, items: Vec::with_capacity(items) }
    }

    /// One more item of a list. The numbers of lists must not fall.
    pub(crate) fn push(&mut self, list: u32, item: T) {
        self.finish(list);
        self.items.push(item);
    }

    /// Ends all lists below a number; those that got nothing are empty.
    pub(crate) fn finish(&mut self, lists: u32) {
        let ends = place(lists).saturating_add(1).max(self.starts.len());
        self.starts.resize(ends, index(self.items.len()));
    }

    /// The list of this number; empty if there is none.
    #[inline]
    pub(crate) fn of(&self, at: u32) -> &[T] {
        let at = place(at);
        let (Some(&from), Some(&to)) = (self.starts.get(at), self.starts.get(at.saturating_add(1))) else {
            return &[];
        };
        self.items.get(place(from)..place(to)).unwrap_or(&[])
    }

    /// The number of lists.
    pub(crate) fn count(&self) -> u32 {
        index(self.starts.len().saturating_sub(1))
    }
}

impl Lists<u32> {
    /// The other way round: for each of so many items the lists that it stands in, in rising order.
    pub(crate) fn reversed(&self, items: usize) -> Self {
        let pairs = || (0..self.count()).flat_map(|list| self.of(list).iter().map(move |&item| (item, list)));
        Self::gathered(items, pairs)
    }

    /// Gathers pairs of list and item; the pairs are asked for twice.
    pub(crate) fn gathered<I: Iterator<Item = (u32, u32)>>(lists: usize, pairs: impl Fn() -> I) -> Self {
        let mut starts = vec![0_u32; lists.saturating_add(1)];
        let mut total = 0_usize;
        for (list, _) in pairs() {
            if let Some(count) = starts.get_mut(place(list).saturating_add(1)) {
                *count += 1;
                total += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut items = vec![0; total];
        for (list, item) in pairs() {
            if let Some(free) = next.get_mut(place(list))
                && let Some(slot) = items.get_mut(place(*free))
            {
                *slot = item;
                *free += 1;
            }
        }
        Self { starts, items }
    }
}

#[cfg(test)]
mod tests {
    use super::Lists;

    #[test]
    fn lists_come_back_and_turn_round() {
        let mut lists = Lists::with_room(4, 3);
        for (list, item) in [(0, 2), (0, 0), (2, 2)] {
            lists.push(list, item);
        }
        lists.finish(4);
        assert_eq!(
            [0, 1, 2, 3, 9].map(|at| lists.of(at).to_vec()),
            [vec![2, 0], vec![], vec![2], vec![], vec![]]
        );
        let turned = lists.reversed(4);
        assert_eq!([0, 1, 2, 3].map(|at| turned.of(at).to_vec()), [vec![0], vec![], vec![0, 2], vec![]]);
    }
}
