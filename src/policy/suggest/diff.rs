//! What was changed in a text, in the form that `patch` takes.

use std::fmt::Write as _;

/// How many lines around a change are shown.
const AROUND: usize = 3;

/// A line of both texts, or of one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Old(&'a str),
    New(&'a str),
}

/// The difference, in the unified form; empty where there is none.
///
/// Lines are only ever added here, or changed one by one, so that a walk along both texts is
/// enough.
pub(super) fn unified(name: &str, old: &str, new: &str) -> String {
    let lines = walk(
        &old.lines().collect::<Vec<_>>(),
        &new.lines().collect::<Vec<_>>(),
    );
    let changed = |line: &Line<'_>| !matches!(line, Line::Same(_));
    let Some(first) = lines.iter().position(changed) else {
        return String::new();
    };
    // Writing to a `String` cannot fail.
    let mut text = format!("--- {name}\n+++ {name}\n");
    let mut from = first.saturating_sub(AROUND);
    loop {
        let mut to = from;
        // A hunk goes on while the next change is near.
        while let Some(next) = lines[to..].iter().position(changed) {
            if to > from && next > 2 * AROUND {
                break;
            }
            to += next + 1;
        }
        let end = (to + AROUND).min(lines.len());
        hunk(&mut text, &lines, from..end);
        match lines[end..].iter().position(changed) {
            Some(next) => from = (end + next).saturating_sub(AROUND).max(end),
            None => return text,
        }
    }
}

fn hunk(text: &mut String, lines: &[Line<'_>], range: std::ops::Range<usize>) {
    let count = |lines: &[Line<'_>], skipped: fn(&Line<'_>) -> bool| {
        lines.iter().filter(|line| !skipped(line)).count()
    };
    let is_new: fn(&Line<'_>) -> bool = |line| matches!(line, Line::New(_));
    let is_old: fn(&Line<'_>) -> bool = |line| matches!(line, Line::Old(_));
    let (before, inside) = (&lines[..range.start], &lines[range]);
    let _ = writeln!(
        text,
        "@@ -{},{} +{},{} @@",
        count(before, is_new) + 1,
        count(inside, is_new),
        count(before, is_old) + 1,
        count(inside, is_old),
    );
    for line in inside {
        let _ = match line {
            Line::Same(line) => writeln!(text, " {line}"),
            Line::Old(line) => writeln!(text, "-{line}"),
            Line::New(line) => writeln!(text, "+{line}"),
        };
    }
}

fn walk<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    let mut at = 0;
    for (index, line) in old.iter().enumerate() {
        match new.get(at) {
            Some(other) if other == line => lines.push(Line::Same(line)),
            Some(other) => {
                debug_assert!(index == at, "lines are changed one by one");
                lines.extend([Line::Old(line), Line::New(other)]);
            }
            None => lines.push(Line::Old(line)),
        }
        at += 1;
    }
    lines.extend(new.iter().skip(at).map(|line| Line::New(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn the_difference_is_what_patch_takes() {
        let numbers: Vec<String> = (1..=20).map(|n| n.to_string()).collect();
        let old = format!("{}\n", numbers.join("\n"));
        let new = format!("{}21\n22\n", old.replace("\n4\n", "\nfour\n"));
        assert_eq!(
            unified("p.toml", &old, &new),
            "--- p.toml\n+++ p.toml\n\
             @@ -1,7 +1,7 @@\n 1\n 2\n 3\n-4\n+four\n 5\n 6\n 7\n\
             @@ -18,3 +18,5 @@\n 18\n 19\n 20\n+21\n+22\n"
        );
        assert_eq!(unified("p.toml", &old, &old), "");
    }
}
