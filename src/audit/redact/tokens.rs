//! Secrets that can be told by their shape alone: the tokens of well-known services.

/// The beginning of a token, and the fewest characters that follow it.
const SHAPES: [(&str, usize); 45] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 30),
    ("glpat-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("glptt-", 16),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxa-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xoxe-", 10),
    ("xoxe.", 10),
    ("xapp-", 10),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ya29.", 20),
    ("npm_", 30),
    ("pypi-", 50),
    ("hf_", 20),
    ("sk_live_", 10),
    ("sk_test_", 10),
    ("rk_live_", 10),
    ("rk_test_", 10),
    ("whsec_", 20),
    ("SG.", 40),
    ("dop_v1_", 40),
    ("shpat_", 30),
    ("dckr_pat_", 20),
    ("lin_api_", 20),
    ("AGE-SECRET-KEY-1", 40),
    ("hvs.", 20),
    ("tskey-", 15),
    ("gsk_", 30),
    ("xai-", 30),
    ("nvapi-", 30),
    ("pplx-", 30),
    ("ATATT3", 40),
    ("rubygems_", 30),
    ("sntrys_", 30),
];

/// The length of the token that the text begins with, if it begins with one.
pub(super) fn at_start(text: &str) -> Option<usize> {
    let length = run(text);
    let whole = &text[..length];
    let shaped = SHAPES.iter().any(|(prefix, fewest)| {
        whole
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.len() >= *fewest && (has_digit(rest) || is_capitals(prefix)))
    });
    (shaped || is_model_key(whole) || is_jwt(whole)).then_some(length)
}

/// `sk-…`: the letters also begin words, so what follows must not be made of words.
fn is_model_key(whole: &str) -> bool {
    let Some(rest) = whole.strip_prefix("sk-") else {
        return false;
    };
    let longest = rest
        .split(['-', '_', '.'])
        .map(|part| (part.len(), part))
        .max();
    longest.is_some_and(|(length, part)| length >= 16 && has_digit(part))
}

/// Three parts of base64, the first of which begins with `{"`.
fn is_jwt(whole: &str) -> bool {
    let mut parts = whole.split('.');
    let begins = parts
        .next()
        .is_some_and(|part| part.starts_with("eyJ") && part.len() >= 12);
    begins && parts.next().is_some_and(|part| part.len() >= 8)
}

/// `AKIA` and the like hold capitals and digits, and possibly no digit at all.
fn is_capitals(prefix: &str) -> bool {
    matches!(prefix, "AKIA" | "ASIA" | "AGE-SECRET-KEY-1")
}

/// How many bytes at the start can belong to a token.
fn run(text: &str) -> usize {
    let whole = text.bytes().take_while(|byte| is_token_byte(*byte)).count();
    // A full stop at the end is the sentence's.
    text[..whole].trim_end_matches('.').len()
}

/// Whether the byte can be part of a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether a value does not look like a word: long, with a digit or both cases.
pub(super) fn is_opaque(value: &str, fewest: usize) -> bool {
    let mixed = value.bytes().any(|byte| byte.is_ascii_uppercase())
        && value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        && value.bytes().any(|byte| byte.is_ascii_lowercase());
    value.len() >= fewest && (has_digit(value) || mixed)
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}
