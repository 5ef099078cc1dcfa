//! What a person or a program is told about a request that has ended, on standard error.

use std::fmt::Write as _;

use serde_json::Value;

use super::failure::Format;
use super::output::{self, ERROR, FAINT, HINT, styled};
use crate::model::{Denial, Folded, Reply, Status, shown, violations};

/// Tells how the request ended: nothing at all when it went well and nothing was refused.
pub(super) fn reply(reply: &Reply, format: Format) {
    match format {
        Format::Json => output::say_raw(&report(reply)),
        Format::Text => output::say(&words(reply)),
    }
}

/// Tells a program that took us for a shell: in a block that an agent cannot take for output of
/// its command. Start-up noise alone is nothing to tell it.
pub(super) fn to_agent(reply: &Reply, format: Format) {
    if format == Format::Json || output::stderr_is_a_terminal() {
        return self::reply(reply, format);
    }
    output::say(&remarks(reply));
    in_a_block(&reply.denials);
}

/// Tells denials in a block; nothing where there is only start-up noise.
pub(super) fn in_a_block(denials: &[Denial]) {
    let is_noise = |denial: &Denial| denial.folded == Some(Folded::Noise);
    if !denials.iter().all(is_noise)
        && let Some(block) = violations(denials)
    {
        output::say(&format!("{block}\n"));
    }
}

/// The reply as a line of its own, whether or not the command ended its last line.
fn report(reply: &Reply) -> Vec<u8> {
    let mut line = Vec::new();
    if matches!(reply.status, Status::Ok | Status::Timeout) {
        line.push(b'\n');
    }
    line.extend(output::json_line(reply));
    line
}

fn words(reply: &Reply) -> String {
    denials(&reply.denials) + &remarks(reply)
}

/// What else there is to say.
fn remarks(reply: &Reply) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    if let Some(error) = reply.result.get("error").and_then(Value::as_str) {
        let _ = writeln!(text, "{}: {}", styled(ERROR, "error"), shown(error));
    }
    let ended = reply.result.get("ended_processes").and_then(Value::as_u64);
    match ended {
        None | Some(0) => {}
        Some(1) => text.push_str("note: a process that outlived the command was ended\n"),
        Some(count) => {
            let _ = writeln!(
                text,
                "note: {count} processes that outlived the command were ended"
            );
        }
    }
    text
}

/// Each denial in one line; what is granted instead stands once, under those that it is for.
///
/// Known start-up noise comes last, and faint.
pub(super) fn denials(denials: &[Denial]) -> String {
    let is_noise = |denial: &&Denial| denial.folded == Some(Folded::Noise);
    let told: Vec<&Denial> = denials.iter().filter(|one| !is_noise(one)).collect();
    let mut text = String::new();
    for (index, denial) in told.iter().enumerate() {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{}", styled(ERROR, shown(&denial.message)));
        if denial.count > 1 {
            let times = format_args!("({} times)", denial.count);
            let _ = write!(text, " {}", styled(FAINT, times));
        }
        text.push('\n');
        let next = told.get(index + 1).map(|next| &next.hint);
        if let Some(hint) = &denial.hint
            && next != Some(&denial.hint)
        {
            let _ = writeln!(text, "  {}", styled(HINT, shown(hint)));
        }
    }
    for noise in denials.iter().filter(is_noise) {
        text.push_str(&noise_line(noise));
    }
    text
}

fn noise_line(denial: &Denial) -> String {
    let path = denial.path.as_deref().map(shown).unwrap_or_default();
    let line = format!(
        "noise at start-up: {path}{}: {} ({})",
        if denial.count > 1 {
            " and the like"
        } else {
            ""
        },
        denial.noise.unwrap_or_default(),
        if denial.count > 1 {
            format!("{} times", denial.count)
        } else {
            "once".to_owned()
        },
    );
    format!("{}\n", styled(FAINT, line))
}
