//! A line chart with two logarithmic axes, as one SVG text that is readable on light and on dark ground.

use std::fmt::{self, Display, Write};

/// What is drawn.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) x_label: &'static str,
    pub(super) y_label: &'static str,
    pub(super) caption: [String; 2],
    pub(super) series: Vec<Series>,
}

/// One line of the chart.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: &'static str,
    /// From left to right, both numbers above zero.
    pub(super) points: Vec<(f64, f64)>,
}

/// The picture, and the area between its axes.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 690.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 450.0;

/// Ours is thick; the others differ by colour and by dashes, for those who see no colour.
const STYLE: &str = "\
  svg { color-scheme: light dark }
  .ground { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 17px; font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .line { fill: none; stroke-width: 2 }
  .s0 { stroke: #0550ae; stroke-width: 3.5 }
  .s1 { stroke: #bc4c00; stroke-dasharray: 9 4 }
  .s2 { stroke: #8250df; stroke-dasharray: 2 4 }
  .s3 { stroke: #1a7f37; stroke-dasharray: 12 3 2 3 }
  .s4 { stroke: #bf3989; stroke-dasharray: 5 3 }
  .s5 { stroke: #7d4e00; stroke-dasharray: 14 6 }
  .dot { stroke-dasharray: none; fill: #ffffff; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 }
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .s0 { stroke: #58a6ff }
    .s1 { stroke: #f0883e }
    .s2 { stroke: #bc8cff }
    .s3 { stroke: #56d364 }
    .s4 { stroke: #ff7bc5 }
    .s5 { stroke: #d4a72c }
    .dot { fill: #0d1117 }
  }
";

/// Where a logarithmic axis begins and ends, in numbers and on the picture.
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value / self.from).ln() / (self.to / self.from).ln();
        self.start + share * (self.end - self.start)
    }
}

impl Chart {
    /// The whole file.
    pub(super) fn to_svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a text cannot fail; the result says so for any other writer.
        match self.write(&mut svg) {
            Ok(()) => svg,
            Err(error) => format!("<!-- {error} -->"),
        }
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{}\">",
            Escaped(self.title)
        )?;
        writeln!(svg, "<style>\n{STYLE}</style>")?;
        writeln!(svg, "<rect class=\"ground\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>")?;
        text(svg, "title", "start", LEFT, 30.0, self.title)?;
        let (x, y) = self.axes();
        self.grid(svg, &x, &y)?;
        for (number, series) in self.series.iter().enumerate() {
            line(svg, number, &series.points, &x, &y)?;
        }
        self.legend(svg)?;
        for (caption, place) in self.caption.iter().zip([HEIGHT - 32.0, HEIGHT - 14.0]) {
            text(svg, "small", "start", LEFT, place, caption)?;
        }
        writeln!(svg, "</svg>")
    }

    fn axes(&self) -> (Axis, Axis) {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let least = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| points().map(of).fold(0.0, f64::max);
        let x = Axis { from: least(|point| point.0), to: most(|point| point.0), start: LEFT, end: RIGHT };
        // The next powers of ten, so that some room is left above and below.
        let (low, high) = (least(|point| point.1).log10().floor(), most(|point| point.1).log10().ceil());
        let y = Axis { from: 10_f64.powf(low), to: 10_f64.powf(high), start: BOTTOM, end: TOP };
        (x, y)
    }

    fn grid(&self, svg: &mut String, x: &Axis, y: &Axis) -> fmt::Result {
        let mut decade = y.from;
        while decade <= y.to {
            for tick in [decade, decade * 2.0, decade * 5.0] {
                if tick > y.to * 1.001 {
                    break;
                }
                let place = y.place(tick);
                segment(svg, (LEFT, place), (RIGHT, place))?;
                text(svg, "tick", "end", LEFT - 8.0, place + 4.0, &short(tick))?;
            }
            decade *= 10.0;
        }
        for (value, _) in self.series.first().map_or(&[][..], |series| &series.points) {
            let place = x.place(*value);
            segment(svg, (place, TOP), (place, BOTTOM))?;
            text(svg, "tick", "middle", place, BOTTOM + 20.0, &short(*value))?;
        }
        text(svg, "label", "middle", f64::midpoint(LEFT, RIGHT), BOTTOM + 44.0, self.x_label)?;
        let (x, y) = (22.0, f64::midpoint(TOP, BOTTOM));
        let label = Escaped(self.y_label);
        writeln!(
            svg,
            "<text text-anchor=\"middle\" transform=\"translate({x} {y}) rotate(-90)\">{label}</text>"
        )
    }

    /// Names beside their lines, the highest at the right end first.
    fn legend(&self, svg: &mut String) -> fmt::Result {
        let last = |series: &Series| series.points.last().map_or(0.0, |point| point.1);
        let mut order: Vec<_> = self.series.iter().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| last(other).total_cmp(&last(one)));
        let mut y = TOP + 14.0;
        for (number, series) in order {
            let (from, to) = (RIGHT + 20.0, RIGHT + 60.0);
            writeln!(svg, "<path class=\"line s{number}\" d=\"M{from} {y}H{to}\"/>")?;
            dot(svg, number, f64::midpoint(from, to), y)?;
            text(svg, "name", "start", to + 10.0, y + 4.0, series.name)?;
            y += 26.0;
        }
        Ok(())
    }
}

fn line(svg: &mut String, number: usize, points: &[(f64, f64)], x: &Axis, y: &Axis) -> fmt::Result {
    let places: Vec<_> = points.iter().map(|point| (x.place(point.0), y.place(point.1))).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    writeln!(svg, "<polyline class=\"line s{number}\" points=\"{}\"/>", path.join(" "))?;
    places.into_iter().try_for_each(|(x, y)| dot(svg, number, x, y))
}

fn dot(svg: &mut String, number: usize, x: f64, y: f64) -> fmt::Result {
    writeln!(svg, "<circle class=\"s{number} dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>")
}

fn segment(svg: &mut String, from: (f64, f64), to: (f64, f64)) -> fmt::Result {
    writeln!(svg, "<path class=\"grid\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>", from.0, from.1, to.0, to.1)
}

fn text(svg: &mut String, class: &str, anchor: &str, x: f64, y: f64, words: &str) -> fmt::Result {
    let words = Escaped(words);
    writeln!(svg, "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>")
}

/// `2k` for 2000, `1M` for a million.
fn short(value: f64) -> String {
    match value {
        large if large >= 1e6 => format!("{}M", large / 1e6),
        // Callers are counted by powers of two; rates come in steps of 1, 2 and 5.
        round if round >= 1e3 && (round / 1e3).fract() == 0.0 => format!("{}k", round / 1e3),
        small => format!("{}", small.round()),
    }
}

/// Text within a tag or an attribute.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '&' => f.write_str("&amp;"),
            '"' => f.write_str("&quot;"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_logarithmic_and_hold_all_points() {
        let series = vec![
            Series { name: "a < b", points: vec![(1.0, 1_500.0), (64.0, 90_000.0)] },
            Series { name: "c", points: vec![(1.0, 900.0), (64.0, 4_000.0)] },
        ];
        let caption = ["m".to_owned(), "v".to_owned()];
        let chart = Chart { title: "t", x_label: "x", y_label: "y", caption, series };
        let (x, y) = chart.axes();
        assert!((x.place(8.0) - f64::midpoint(LEFT, RIGHT)).abs() < 1e-9);
        assert!((y.from, y.to) == (100.0, 100_000.0) && y.place(90_000.0) > TOP);
        let svg = chart.to_svg();
        assert!(svg.contains("a &lt; b") && svg.contains(">50k<") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn numbers_are_short() {
        let shown = [1.0, 256.0, 1024.0, 5_000.0, 2e6].map(short);
        assert_eq!(shown, ["1", "256", "1024", "5k", "2M"]);
    }
}
