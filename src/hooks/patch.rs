//! The files that a patch in the form of `apply_patch` changes.
//!
//! A patch that cannot be read whole is refused: a line that is passed over could name a file.

/// The paths that the patch changes, makes or removes; none when it is no such patch.
pub(super) fn paths(text: &str) -> Option<Vec<&str>> {
    const HEADERS: [&str; 4] = [
        "*** Add File: ",
        "*** Update File: ",
        "*** Delete File: ",
        "*** Move to: ",
    ];
    let mut lines = text.trim().lines();
    let begins = lines
        .next()
        .is_some_and(|line| line.trim() == "*** Begin Patch");
    let ends = lines
        .next_back()
        .is_some_and(|line| line.trim() == "*** End Patch");
    if !begins || !ends {
        return None;
    }
    let mut found = Vec::new();
    for line in lines {
        let line = line.trim_start();
        if !line.starts_with("***") || line.trim_end() == "*** End of File" {
            continue;
        }
        let path = HEADERS
            .iter()
            .find_map(|header| line.strip_prefix(header))?;
        found.push(path.trim());
    }
    (!found.is_empty() && found.iter().all(|path| !path.is_empty())).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::paths;

    #[test]
    fn every_file_of_a_patch_is_found() {
        let patch = "*** Begin Patch\n*** Add File: a b\n+x\n*** Update File: src/c\n\
                     *** Move to: /etc/d\n@@\n-y\n+z\n*** End of File\n*** Delete File: e\n\
                     *** End Patch\n";
        assert_eq!(paths(patch), Some(vec!["a b", "src/c", "/etc/d", "e"]));
    }

    #[test]
    fn what_cannot_be_read_whole_is_no_patch() {
        for odd in [
            "",
            "*** Begin Patch\n*** End Patch",
            "*** Begin Patch\n*** Add File: \n*** End Patch",
            "*** Begin Patch\n*** Rename File: a\n*** End Patch",
            "*** Add File: a\n+x",
            "cat <<EOF\n*** Begin Patch\n*** Add File: a\n*** End Patch\nEOF",
        ] {
            assert_eq!(paths(odd), None, "{odd}");
        }
    }
}
