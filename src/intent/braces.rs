//! Expands `{a,b}` in words that are otherwise plain.
//!
//! Bounded: a word that would become more than a few words is left alone.

/// The most words that one may become.
const MOST: usize = 32;

/// The longest word that is expanded, in bytes; the search for groups is quadratic.
const LONGEST: usize = 512;

/// The words that a word with braces stands for; `None` when there are no braces in it
/// that can be expanded without knowing more.
pub(super) fn expand(word: &str) -> Option<Vec<String>> {
    if word.len() > LONGEST || !word.contains('{') {
        return None;
    }
    if word.contains(['$', '`', '\'', '"', '\\']) {
        return None;
    }
    let mut done = Vec::new();
    let mut pending = vec![word.to_owned()];
    while let Some(next) = pending.pop() {
        match alternatives(&next) {
            Some(expanded) => pending.extend(expanded.into_iter().rev()),
            None => done.push(next),
        }
        if done.len() + pending.len() > MOST {
            return None;
        }
    }
    (done.len() > 1).then_some(done)
}

/// The words that the first group of a word stands for.
fn alternatives(word: &str) -> Option<Vec<String>> {
    word.match_indices('{').find_map(|(open, _)| {
        let (choices, end) = group(&word[open + 1..])?;
        let (before, after) = (&word[..open], &word[open + 1 + end..]);
        let join = |choice: &&str| format!("{before}{choice}{after}");
        Some(choices.iter().map(join).collect())
    })
}

/// The choices of a group and the index after its `}`, given the text after its `{`.
fn group(text: &str) -> Option<(Vec<&str>, usize)> {
    let mut depth = 0_u32;
    let mut start = 0;
    let mut choices = Vec::new();
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth > 0 => depth -= 1,
            b',' if depth == 0 => {
                choices.push(&text[start..index]);
                start = index + 1;
            }
            b'}' => {
                choices.push(&text[start..index]);
                return (choices.len() > 1).then_some((choices, index + 1));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn groups_are_expanded_in_order() {
        let expanded = |word| expand(word).unwrap().join(" ");
        assert_eq!(expanded("/etc/{passwd,shadow}"), "/etc/passwd /etc/shadow");
        assert_eq!(expanded("{a,b{1,2}}x"), "ax b1x b2x");
        assert_eq!(expanded("x{,.bak}"), "x x.bak");
    }

    #[test]
    fn what_is_no_group_is_left_alone() {
        for word in ["{}", "a{b}c", "{a,b", "{$X,b}", "'{a,b}'", "plain"] {
            assert_eq!(expand(word), None, "{word}");
        }
        assert_eq!(expand(&"{a,b}".repeat(20)), None);
    }
}
