//! QR codes as one SVG path: dark squares on the page's white, the quiet zone around them.

use qrcode::types::Color;

use super::problem::Problem;

/// Empty squares on each side (ISO/IEC 18004, section 6.3.8).
const QUIET: usize = 4;

/// A code, ready for a template.
#[derive(Debug, Clone)]
pub(crate) struct QrCode {
    /// Squares on a side, the quiet zone among them.
    pub(crate) side: usize,
    /// The dark squares as the `d` of an SVG path.
    pub(crate) path: String,
}

impl QrCode {
    /// The code of a text.
    pub(crate) fn of(text: &str) -> Result<Self, Problem> {
        let code = qrcode::QrCode::new(text).map_err(|cause| Problem::broken("QR code", false, &cause))?;
        let width = code.width();
        let colors = code.to_colors();
        let mut path = String::new();
        for (y, row) in colors.chunks(width).enumerate() {
            for (x, _) in row.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
                path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
            }
        }
        Ok(Self { side: width + 2 * QUIET, path })
    }
}

#[cfg(test)]
mod tests {
    use super::QrCode;

    #[test]
    fn a_code_has_its_three_corners_and_a_quiet_zone() {
        let code = QrCode::of("weixin://wxpay/bizpayurl?pr=abc").unwrap();
        let dark = |x: usize, y: usize| code.path.contains(&format!("M{x} {y}h1v1h-1z"));
        let last = code.side - 1;
        for (x, y) in [(4, 4), (last - 4, 4), (4, last - 4)] {
            assert!(dark(x, y), "{x} {y}");
        }
        assert!((0..code.side).all(|place| !dark(place, 3) && !dark(3, place)));
        assert!(!dark(5, 5), "the ring inside a corner is light");
    }

    #[test]
    fn a_text_that_no_code_holds_is_refused() {
        assert!(QrCode::of(&"x".repeat(5000)).is_err());
    }
}
