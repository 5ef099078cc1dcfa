//! Which names are names of secrets: `DB_PASSWORD`, `--api-key`, `clientSecret`.
//!
//! Decided by the last words of the name, so that `TOKEN_FILE`, `max_tokens` and
//! `--password-stdin`, which hold no secret, are left alone.

/// How sure a name makes us of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// The value is a secret.
    Secret,
    /// The value is a secret if it is long: a signature.
    Signature,
    /// Nothing is known of the value.
    Ordinary,
}

/// What a name says of its value.
pub(super) fn key(name: &str) -> Key {
    let name = name.trim_start_matches('-');
    if name.len() > 80 {
        return Key::Ordinary;
    }
    let words = words(name);
    let Some((last, before)) = words.split_last() else {
        return Key::Ordinary;
    };
    let previous = before.last().map_or("", String::as_str);
    if before.first().is_some_and(|first| first == "no") {
        return Key::Ordinary; // `--no-password` takes no value
    }
    match last.as_str() {
        "sig" | "signature" => Key::Signature,
        "key" if is_secret_kind(previous) => Key::Secret,
        "base" if previous == "key" => Key::Secret, // SECRET_KEY_BASE
        "pwd" | "pass" | "pat" if !before.is_empty() => Key::Secret,
        last if is_secret_word(last) => Key::Secret,
        _ => Key::Ordinary,
    }
}

fn is_secret_word(word: &str) -> bool {
    const WHOLE: [&str; 9] = [
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "credential",
        "credentials",
        "jwt",
        "sessionid",
        "keyphrase",
    ];
    const ENDS: [&str; 5] = ["password", "passwd", "passphrase", "secret", "token"];
    WHOLE.contains(&word) || ENDS.iter().any(|end| word.ends_with(end))
}

fn is_secret_kind(word: &str) -> bool {
    matches!(
        word,
        "api"
            | "access"
            | "secret"
            | "private"
            | "signing"
            | "encryption"
            | "auth"
            | "account"
            | "storage"
            | "master"
            | "shared"
    )
}

/// The words of a name in lower case, split at `_`, `-`, `.`, `:`, `/` and camel humps.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for character in name.chars() {
        let is_mark = !character.is_ascii_alphanumeric();
        let is_hump = character.is_ascii_uppercase() && previous_is_lower;
        if (is_mark || is_hump) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && !is_mark
        {
            word.push(character.to_ascii_lowercase());
        }
        previous_is_lower = character.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{Key, key};

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "password",
            "DB_PASSWORD",
            "PGPASSWORD",
            "--api-key",
            "clientSecret",
            "authToken",
            "AWS_SECRET_ACCESS_KEY",
            "SECRET_KEY_BASE",
            "MYSQL_PWD",
            "GITHUB_PAT",
            "X-Api-Key",
            "//registry.npmjs.org/:_authToken",
            "access_token",
            "SSH_PRIVATE_KEY",
        ] {
            assert_eq!(key(name), Key::Secret, "{name}");
        }
    }

    #[test]
    fn names_that_only_speak_of_secrets_are_left_alone() {
        for name in [
            "PWD",
            "TOKEN_FILE",
            "max_tokens",
            "--password-stdin",
            "tokenizer",
            "author",
            "public_key",
            "key",
            "--no-password",
            "passwords",
            "secretary",
            "bypass",
            "compass",
            "AWS_ACCESS_KEY_ID",
            "",
        ] {
            assert_eq!(key(name), Key::Ordinary, "{name}");
        }
    }
}
