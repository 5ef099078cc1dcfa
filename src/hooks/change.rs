//! A change of a text as people read it: the lines that go, the lines that come, and some around.

/// How many lines are shown around a change.
const AROUND: usize = 3;

/// What changes from one text to the other, line by line. Both are close to each other: one
/// piece was put in or taken out.
pub fn change(before: Option<&str>, after: Option<&str>) -> String {
    let old: Vec<&str> = before.unwrap_or_default().lines().collect();
    let new: Vec<&str> = after.unwrap_or_default().lines().collect();
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tails.take_while(same).count();
    let mut text = String::new();
    let mut lines = |sign: &str, lines: &[&str]| {
        for line in lines {
            text.extend([sign, line, "\n"]);
        }
    };
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    lines(" ", &old[head.saturating_sub(AROUND)..head]);
    lines("-", &old[head..old_end]);
    lines("+", &new[head..new_end]);
    lines(" ", &old[old_end..old.len().min(old_end + AROUND)]);
    text
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn only_what_changes_is_marked() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let after = before.replace("5\n", "five\n");
        assert_eq!(
            change(Some(before), Some(&after)),
            " 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"
        );
        assert_eq!(change(None, Some("a\n")), "+a\n");
        assert_eq!(change(Some("a\n"), None), "-a\n");
        assert_eq!(change(Some("a\na\n"), Some("a\na\na\n")), " a\n a\n+a\n");
    }
}
