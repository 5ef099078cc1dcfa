//! The shapes that pictures are made of. A label never leaves its box.

use super::markup::{LONGEST, Markup};
use crate::model::{fit, shown};

/// The width of a character of a label, in the font and size that the page sets.
const CHARACTER: f64 = 6.7;

/// Where something stands, and how large it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Markup {
    /// Opens a picture; `describe` is what a reader hears who does not see it.
    pub(super) fn open_picture(&mut self, (width, height): (f64, f64), describe: &str) {
        self.put("<div class=\"picture\"><svg viewBox=\"0 0 ");
        self.number(width).put(" ").number(height);
        self.put("\" role=\"img\" aria-label=\"").text(describe);
        self.put("\">");
    }

    pub(super) fn close_picture(&mut self) {
        self.put("</svg></div>");
    }

    /// A box, with what is told when a pointer rests on it.
    pub(super) fn area(&mut self, class: &'static str, area: Area, title: &str) {
        self.put("<rect class=\"").put(class).put("\" x=\"");
        self.number(area.x).put("\" y=\"").number(area.y);
        self.put("\" width=\"").number(area.width.max(0.5));
        self.put("\" height=\"").number(area.height.max(0.5));
        if title.is_empty() {
            self.put("\"/>");
        } else {
            self.put("\"><title>").text(title).put("</title></rect>");
        }
    }

    /// A line, straight up or across.
    pub(super) fn line(
        &mut self,
        class: &'static str,
        (x, y): (f64, f64),
        (to_x, to_y): (f64, f64),
    ) {
        self.put("<line class=\"").put(class).put("\" x1=\"");
        self.number(x).put("\" y1=\"").number(y);
        self.put("\" x2=\"").number(to_x);
        self.put("\" y2=\"").number(to_y).put("\"/>");
    }

    /// A label in an area, with its middle left out where it is too long, and cut off where its
    /// characters are wider than others.
    pub(super) fn label(&mut self, class: &'static str, area: Area, text: &str) {
        self.put("<svg x=\"")
            .number(area.x)
            .put("\" y=\"")
            .number(area.y);
        self.put("\" width=\"").number(area.width.max(1.0));
        self.put("\" height=\"")
            .number(area.height.max(1.0))
            .put("\">");
        self.put("<text class=\"").put(class).put("\" y=\"");
        self.number(area.height / 2.0 + 4.0).put("\">");
        let room = characters(area.width);
        // Escaped before it is fitted: an escape is longer than what it stands for.
        self.text(&fit(&shown(text), room)).put("</text></svg>");
    }

    /// A label whose end is at a place.
    pub(super) fn label_before(&mut self, class: &'static str, (x, y): (f64, f64), text: &str) {
        self.put("<text text-anchor=\"end\" class=\"").put(class);
        self.put("\" x=\"").number(x).put("\" y=\"").number(y + 4.0);
        self.put("\">").text(text).put("</text>");
    }
}

/// How many characters of a label fit into a width.
pub(super) fn characters(width: f64) -> usize {
    let count = (width / CHARACTER).floor().clamp(0.0, real(LONGEST as u64));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between nothing and the longest text"
    )]
    let count = count as usize;
    count
}

/// A count as a coordinate.
#[allow(
    clippy::cast_precision_loss,
    reason = "what is lost of a number so large is not seen in a picture"
)]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}
