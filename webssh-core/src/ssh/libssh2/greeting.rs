//! What a server says before any key is agreed on: its identification line and its KEXINIT, as values.
//!
//! libssh2 reads them as well and does not tell what it found. So they are read here first, and handed on
//! to libssh2 without the lines that may stand in front of them: both see the same bytes.

/// Lines in front of the identification (RFC 4253, section 4.2), in bytes.
const PREAMBLE_BYTES_MAX: usize = 16 * 1024;

/// The identification line with its end (RFC 4253, section 4.2), in bytes.
const IDENTIFICATION_BYTES_MAX: usize = 255;

/// The largest packet that has to be accepted (RFC 4253, section 6.1), in bytes.
const PACKET_BYTES_MAX: usize = 35_000;

/// Everything together: what has to be held until it is complete.
pub(super) const BYTES_MAX: usize = PREAMBLE_BYTES_MAX + IDENTIFICATION_BYTES_MAX + 4 + PACKET_BYTES_MAX;

/// The number of the KEXINIT message.
const KEXINIT: u8 = 20;

/// The random bytes at its start.
const COOKIE_BYTES: usize = 16;

/// How a server shows that it knows strict key exchange, among its key exchange methods.
const STRICT: &str = "kex-strict-s-v00@openssh.com";

/// What the bytes that came so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// The beginning of a greeting.
    Partial,
    Complete {
        /// Where the identification line starts. Nothing in front of it is covered by the exchange hash.
        starts_at: usize,
        offer: Offer,
    },
    /// None, because of this.
    Broken(&'static str),
}

/// The parts of a KEXINIT that matter here (RFC 4253, section 7.1).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// Whether the server knows strict key exchange.
    pub(super) is_strict: bool,
    ciphers_to_server: Vec<String>,
    ciphers_to_client: Vec<String>,
}

impl Offer {
    /// Whether one of `ciphers` can be agreed on in each direction.
    pub(super) fn has_any_of(&self, ciphers: &str) -> bool {
        let has =
            |offered: &[String]| offered.iter().any(|name| ciphers.split(',').any(|cipher| cipher == name));
        has(&self.ciphers_to_server) && has(&self.ciphers_to_client)
    }
}

/// Reads the first bytes of a server.
pub(super) fn read(bytes: &[u8]) -> Greeting {
    match identification(bytes) {
        Err(reason) => Greeting::Broken(reason),
        Ok(None) => Greeting::Partial,
        Ok(Some((starts_at, packets))) => match kexinit(packets) {
            Err(reason) => Greeting::Broken(reason),
            Ok(None) => Greeting::Partial,
            Ok(Some(offer)) => Greeting::Complete { starts_at, offer },
        },
    }
}

/// Where the identification line starts, and what follows it.
fn identification(bytes: &[u8]) -> Result<Option<(usize, &[u8])>, &'static str> {
    let mut starts_at = 0;
    let mut rest = bytes;
    loop {
        let starts_like_one = rest.starts_with(b"SSH-");
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return match rest.len() {
                len if starts_like_one && len >= IDENTIFICATION_BYTES_MAX => {
                    Err("its identification is too long")
                }
                len if starts_at + len > PREAMBLE_BYTES_MAX => Err("it does not identify itself as ssh"),
                _ => Ok(None),
            };
        };
        let Some((line, after)) = rest.split_at_checked(end + 1) else { return Ok(None) };
        if starts_like_one {
            let text = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(line);
            let plain = !text.iter().any(|byte| matches!(byte, b'\0' | b'\r'));
            return match line.len() {
                ..=IDENTIFICATION_BYTES_MAX if plain => Ok(Some((starts_at, after))),
                _ => Err("its identification is too long, or no text"),
            };
        }
        starts_at += line.len();
        if starts_at > PREAMBLE_BYTES_MAX {
            return Err("it does not identify itself as ssh");
        }
        rest = after;
    }
}

/// The first packet, which has to be a KEXINIT.
fn kexinit(packets: &[u8]) -> Result<Option<Offer>, &'static str> {
    let Some((length, packet)) = packets.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > PACKET_BYTES_MAX {
        return Err("its first packet is too long");
    }
    let Some((packet, _)) = packet.split_at_checked(length) else { return Ok(None) };
    payload(packet).and_then(offer).map(Some).ok_or("its first packet is no key exchange offer")
}

/// A packet without its padding.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let (padding, rest) = packet.split_first()?;
    let len = rest.len().checked_sub(usize::from(*padding))?;
    rest.get(..len)
}

fn offer(payload: &[u8]) -> Option<Offer> {
    let (kind, rest) = payload.split_first()?;
    let (_, rest) = rest.split_at_checked(COOKIE_BYTES)?;
    let (methods, rest) = names(rest)?;
    let (_host_keys, rest) = names(rest)?;
    let (ciphers_to_server, rest) = names(rest)?;
    let (ciphers_to_client, _) = names(rest)?;
    let is_strict = methods.iter().any(|name| name == STRICT);
    (*kind == KEXINIT).then_some(Offer { is_strict, ciphers_to_server, ciphers_to_client })
}

/// A name-list (RFC 4251, section 5), and what follows it.
fn names(bytes: &[u8]) -> Option<(Vec<String>, &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (list, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    let list = std::str::from_utf8(list).ok().filter(|list| list.is_ascii())?;
    Some((list.split(',').map(str::to_owned).collect(), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHACHA: &str = "chacha20-poly1305@openssh.com";

    fn packet(kind: u8, lists: &[&str], padding: u8) -> Vec<u8> {
        let mut body = vec![padding, kind];
        body.extend([7; COOKIE_BYTES]);
        for list in lists {
            body.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            body.extend(list.as_bytes());
        }
        body.extend(vec![0; usize::from(padding)]);
        let mut packet = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        packet.extend(body);
        packet
    }

    fn greeting(preamble: &str, line: &str, methods: &str, ciphers: &str) -> Vec<u8> {
        let lists = [methods, "ssh-ed25519", ciphers, ciphers, "", "", "none", "none", "", ""];
        [preamble.as_bytes(), line.as_bytes(), &packet(KEXINIT, &lists, 9)].concat()
    }

    fn strict(bytes: &[u8]) -> bool {
        match read(bytes) {
            Greeting::Complete { offer, .. } => offer.is_strict,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_marker_is_a_whole_name_of_the_first_list() {
        let line = "SSH-2.0-x\r\n";
        assert!(strict(&greeting("", line, &format!("curve25519-sha256,{STRICT}"), CHACHA)));
        assert!(strict(&greeting("", line, STRICT, CHACHA)));
        assert!(!strict(&greeting("", line, &format!("x{STRICT}"), CHACHA)));
        assert!(!strict(&greeting("", line, &format!("{STRICT}x,curve25519-sha256"), CHACHA)));
        assert!(!strict(&greeting("", line, "curve25519-sha256", STRICT)));
    }

    #[test]
    fn ciphers_are_needed_in_both_directions() {
        let both = |to_server: &str, to_client: &str| {
            let lists = ["", "", to_server, to_client];
            match read(&[b"SSH-2.0-x\n".to_vec(), packet(KEXINIT, &lists, 4)].concat()) {
                Greeting::Complete { offer, .. } => offer.has_any_of("aes128-ctr,aes256-ctr"),
                other => panic!("{other:?}"),
            }
        };
        assert!(both("x,aes256-ctr", "aes128-ctr"));
        assert!(!both("x,aes256-ctr", CHACHA));
        assert!(!both("", "aes128-ctr"));
    }

    #[test]
    fn lines_in_front_are_left_out() {
        let bytes = greeting("welcome\r\n\r\nSSH is here\n", "SSH-2.0-x y\r\n", STRICT, CHACHA);
        let Greeting::Complete { starts_at, .. } = read(&bytes) else { panic!("complete") };
        assert!(bytes[starts_at..].starts_with(b"SSH-2.0-x y\r\n"));
    }

    #[test]
    fn what_is_no_greeting_is_told_from_one_that_comes_late() {
        let broken = |bytes: &[u8]| matches!(read(bytes), Greeting::Broken(_));
        let whole = greeting("", "SSH-2.0-x\r\n", STRICT, CHACHA);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Greeting::Partial, "{end}");
        }
        assert!(broken(&greeting("", "SSH-2.0-\0\r\n", STRICT, CHACHA)));
        assert!(broken(&greeting("", "SSH-2.0-x\rSSH-2.0-y\r\n", STRICT, CHACHA)));
        assert!(broken(format!("SSH-{}", "x".repeat(300)).as_bytes()));
        assert!(broken(&vec![b'x'; PREAMBLE_BYTES_MAX + 1]));
        assert!(broken(&b"x\n".repeat(PREAMBLE_BYTES_MAX)));
        assert!(
            broken(&[&b"SSH-2.0-x\n"[..], &packet(2, &["", "", "", ""], 4)].concat()),
            "an ignore packet"
        );
        assert!(broken(&[&b"SSH-2.0-x\n"[..], &packet(KEXINIT, &["", ""], 4)].concat()), "a short one");
        assert!(broken(b"SSH-2.0-x\n\0\0\x88\xb9"), "35001 bytes");
        assert!(broken(b"SSH-2.0-x\n\0\0\0\x02\x05\x14"), "more padding than packet");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_read(preamble in "[a-zS\r\n-]{0,40}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read(&bytes);
            read(&[preamble.as_bytes(), b"SSH-2.0-x\r\n", &bytes].concat());
        }

        #[test]
        fn damage_never_makes_a_greeting_longer_than_it_may_be(at in 0..200_usize, byte: u8) {
            let mut bytes = greeting("hello\n", "SSH-2.0-x\r\n", STRICT, CHACHA);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            bytes.resize(BYTES_MAX + 1, b'x');
            prop_assert_ne!(read(&bytes), Greeting::Partial);
        }
    }
}
