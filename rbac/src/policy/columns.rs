//! Bits turned round: from roles and their permissions to permissions and their roles.

use super::roles::Said;
use crate::bits::words_for;

/// The side of a block that is turned at once.
const SIDE: usize = 64;

/// For each permission a row of words with the roles that allow it. `said` has so many words a role.
pub(super) fn columns(said: &[Said], words: usize, roles: usize) -> Vec<u64> {
    let column_words = words_for(roles);
    let mut columns = vec![0; column_words.saturating_mul(words).saturating_mul(SIDE)];
    if words == 0 {
        return columns;
    }
    for (at, rows) in said.chunks(words.saturating_mul(SIDE)).enumerate() {
        for word in 0..words {
            let mut block = [0; SIDE];
            let column = rows.iter().skip(word).step_by(words);
            block.iter_mut().zip(column).for_each(|(place, said)| *place = said.allow);
            if block.iter().all(|&row| row == 0) {
                continue;
            }
            turn(&mut block);
            let rest = columns.iter_mut().skip(word * SIDE * column_words + at);
            rest.step_by(column_words).zip(block).for_each(|(place, row)| *place = row);
        }
    }
    columns
}

/// Turns a square of bits round: bit `a` of word `b` becomes bit `b` of word `a`. Halves are swapped, then quarters
/// within the halves, and so on.
fn turn(block: &mut [u64; SIDE]) {
    let mut width = SIDE / 2;
    let mut low = u64::MAX >> width;
    while width > 0 {
        for pair in block.chunks_exact_mut(2 * width) {
            let (upper, lower) = pair.split_at_mut(width);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let differing = ((*upper >> width) ^ *lower) & low;
                *upper ^= differing << width;
                *lower ^= differing;
            }
        }
        width /= 2;
        low ^= low << width;
    }
}

#[cfg(test)]
mod tests {
    use super::{Said, columns};
    use crate::bits::{mask_of, members, word_of};

    #[test]
    fn turned_bits_are_the_same_bits() {
        let (roles, words) = (150_u32, 3_usize);
        let allows = |role: u32, bit: u32| (role * 31 + bit * 17).is_multiple_of(7);
        let mut said = vec![Said::default(); words * 150];
        for role in 0..roles {
            for bit in (0..192).filter(|&bit| allows(role, bit)) {
                said[usize::try_from(role).unwrap() * words + word_of(bit)].allow |= mask_of(bit);
            }
        }
        let turned = columns(&said, words, 150);
        for (bit, column) in (0..192).zip(turned.chunks(3)) {
            let expected: Vec<u32> = (0..roles).filter(|&role| allows(role, bit)).collect();
            assert_eq!(members(column.iter().copied()).collect::<Vec<_>>(), expected);
        }
    }
}
