//! `lobsterpot man`: the manual pages, made from the same definitions as the help texts.

use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::failure::Failure;
use super::output;

const AFTER_HELP: &str = "\
Examples:
  lobsterpot man | man -l -
  lobsterpot man run > lobsterpot-run.1
  lobsterpot man policy lint > lobsterpot-policy-lint.1";

/// Print a manual page
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ManArguments {
    /// The command that the page is about; without one, the program as a whole
    #[arg(value_name = "COMMAND")]
    path: Vec<String>,
}

/// Prints the page.
pub(super) fn run(arguments: &ManArguments, command: clap::Command) -> Result<u8, Failure> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut chosen = &command;
    for name in &arguments.path {
        chosen = chosen.find_subcommand(name).ok_or_else(|| {
            Failure::usage(format!("there is no command `{name}`"))
                .with_hint("`lobsterpot help` lists the commands")
        })?;
    }
    let mut text = Vec::new();
    page(chosen, &mut text).map_err(Failure::output)?;
    output::print_raw(&text)?;
    Ok(0)
}

fn page(command: &clap::Command, out: &mut Vec<u8>) -> std::io::Result<()> {
    let man = Man::new(command.clone())
        .manual("Lobsterpot")
        .source(concat!("lobsterpot ", env!("CARGO_PKG_VERSION")));
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    let rest = command.get_after_long_help().map(ToString::to_string);
    for paragraph in rest.unwrap_or_default().split("\n\n") {
        section(paragraph).to_writer(out)?;
    }
    Ok(())
}

/// A paragraph of a help text as a section: its first line is the heading, the rest is kept
/// in its lines.
fn section(paragraph: &str) -> Roff {
    let mut roff = Roff::new();
    let (heading, body) = match paragraph.split_once(":\n") {
        Some((heading, body)) if !heading.contains('\n') => (heading, body),
        _ => ("Notes", paragraph),
    };
    if paragraph.is_empty() {
        return roff;
    }
    roff.control("SH", [heading.to_uppercase().as_str()]);
    roff.control("nf", []);
    for line in body.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line);
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}
