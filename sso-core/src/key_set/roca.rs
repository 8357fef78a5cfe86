//! The mark of RSA keys whose primes come from one faulty library (CVE-2017-15361, "ROCA").
//!
//! Such a modulus is a power of 65537 modulo each small prime. A sound key looks like that to one prime in two
//! or so, to all of these about once in a hundred million.

const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

/// Whether a big-endian modulus has the mark.
pub(crate) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        powers(*prime).any(|power| power == rest)
    })
}

/// All powers of 65537 modulo a prime, from the first back to 1.
fn powers(prime: u32) -> impl Iterator<Item = u32> {
    let base = 65_537 % prime;
    std::iter::successors(Some(base), move |power| (*power != 1).then(|| power * base % prime))
}

#[cfg(test)]
mod tests {
    use super::{PRIMES, is_marked, powers};

    #[test]
    fn powers_of_65537_are_marked_and_others_are_not() {
        assert!(is_marked(&[1]) && is_marked(&[1, 0, 1]));
        assert!(is_marked(&[1, 0, 2, 0, 1]), "the square of 65537");
        assert!(!is_marked(&[2]) && !is_marked(&[3]) && !is_marked(&[0xff; 256]));
    }

    #[test]
    fn each_prime_tells_some_keys_apart() {
        for prime in PRIMES {
            assert!(powers(prime).count() < usize::try_from(prime).unwrap() - 1, "{prime}");
        }
    }
}
