//! How a shell was called: its options, and what it is to run.
//!
//! Every option is either passed on to the shell in the sandbox or refused by name; none is
//! dropped. The words of a command are never taken apart: they go on as they came.

/// What a shell was called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellCall {
    options: Vec<ShellOption>,
    /// What it runs.
    pub source: Source,
    /// What follows: `$0` and the parameters of a command, or the parameters of anything else.
    pub rest: Vec<String>,
}

/// What a shell runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The text after `-c`.
    Command(String),
    /// A file.
    Script(String),
    /// What it reads from standard input; as a person types it, where that is a terminal.
    Input,
}

/// An option as it was given, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ShellOption {
    /// `-e`, `+e`.
    Letter { sign: char, letter: char },
    /// `-o NAME`, `+O NAME`.
    Named {
        sign: char,
        letter: char,
        name: String,
    },
    /// `--norc`, `--rcfile FILE`.
    Long { name: String, value: Option<String> },
}

/// The shells that the sandbox may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Takes all options below.
    Bash,
    /// Takes what POSIX names, and a few letters more.
    Dash,
}

/// Why a call cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShellError {
    /// `-c` without a command.
    #[error("-c: option requires an argument")]
    NoCommand,
    /// An option without its value.
    #[error("{option}: option requires an argument")]
    NoValue {
        /// The option.
        option: String,
    },
    /// No shell has it, or none that is known here.
    #[error("{option}: option is not known")]
    Unknown {
        /// The option.
        option: String,
    },
    /// The shell in this sandbox does not have it.
    #[error("{option}: the shell of this sandbox has no such option, bash would have")]
    OnlyBash {
        /// The option.
        option: String,
    },
}

/// Letters without a value.
const LETTERS: &str = "abefhiklmnprtuvxBCEHPTD";
/// Those of them that dash has too.
const LETTERS_OF_DASH: &str = "abefilmnpuvxCE";
const LONG: [&str; 10] = [
    "--debug",
    "--debugger",
    "--dump-strings",
    "--login",
    "--noediting",
    "--noprofile",
    "--norc",
    "--posix",
    "--restricted",
    "--verbose",
];
const LONG_WITH_VALUE: [&str; 2] = ["--rcfile", "--init-file"];

impl ShellCall {
    /// Reads the words after the shell's name.
    ///
    /// # Errors
    /// When an option is not known, or lacks what it needs.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, ShellError> {
        let mut words = words.into_iter().peekable();
        let mut options = Vec::new();
        let mut runs_command = false;
        let mut reads_input = false;
        while let Some(word) = words.next_if(|word| is_option(word)) {
            // Both end the options.
            if word == "--" || word == "-" {
                break;
            }
            if word.starts_with("--") {
                options.push(long(word, &mut words)?);
                continue;
            }
            let sign = if word.starts_with('+') { '+' } else { '-' };
            for letter in word.chars().skip(1) {
                match letter {
                    'c' if sign == '-' => runs_command = true,
                    's' if sign == '-' => reads_input = true,
                    'o' | 'O' => {
                        let option = || format!("{sign}{letter}");
                        let name = words
                            .next()
                            .ok_or_else(|| ShellError::NoValue { option: option() })?;
                        options.push(ShellOption::Named { sign, letter, name });
                    }
                    letter if LETTERS.contains(letter) => {
                        options.push(ShellOption::Letter { sign, letter });
                    }
                    letter => {
                        let option = format!("{sign}{letter}");
                        return Err(ShellError::Unknown { option });
                    }
                }
            }
        }
        let source = if runs_command {
            Source::Command(words.next().ok_or(ShellError::NoCommand)?)
        } else if reads_input {
            Source::Input
        } else {
            words.next().map_or(Source::Input, Source::Script)
        };
        let rest = words.collect();
        Ok(Self {
            options,
            source,
            rest,
        })
    }

    /// The words to start the shell of that name with.
    ///
    /// # Errors
    /// When the shell lacks an option.
    pub fn words(&self, name: &str, dialect: Dialect) -> Result<Vec<String>, ShellError> {
        let mut words = vec![name.to_owned()];
        let (long, short): (Vec<_>, Vec<_>) = self
            .options
            .iter()
            .partition(|option| matches!(option, ShellOption::Long { .. }));
        // Bash wants the long ones first.
        for option in long.into_iter().chain(short) {
            option.write(&mut words, dialect)?;
        }
        match &self.source {
            // The marker keeps a command that begins with a dash a command.
            Source::Command(text) => words.extend(["-c".into(), "--".into(), text.clone()]),
            Source::Script(file) => words.extend(["--".into(), file.clone()]),
            Source::Input if self.rest.is_empty() => {}
            Source::Input => words.extend(["-s".into(), "--".into()]),
        }
        words.extend(self.rest.iter().cloned());
        Ok(words)
    }
}

impl ShellOption {
    fn write(&self, words: &mut Vec<String>, dialect: Dialect) -> Result<(), ShellError> {
        let is_dash = dialect == Dialect::Dash;
        match self {
            Self::Letter { sign, letter } => {
                let option = format!("{sign}{letter}");
                if is_dash && !LETTERS_OF_DASH.contains(*letter) {
                    return Err(ShellError::OnlyBash { option });
                }
                words.push(option);
            }
            Self::Named { sign, letter, name } => {
                let option = format!("{sign}{letter}");
                if is_dash && *letter == 'O' {
                    return Err(ShellError::OnlyBash { option });
                }
                words.extend([option, name.clone()]);
            }
            Self::Long { name, .. } if is_dash => match name.as_str() {
                "--login" => words.push("-l".into()),
                "--verbose" => words.push("-v".into()),
                // Dash reads no such file unless it is a login shell, has no line editor that
                // these would turn off, and is POSIX's anyway.
                "--norc" | "--posix" | "--noediting" => {}
                _ => {
                    let option = name.clone();
                    return Err(ShellError::OnlyBash { option });
                }
            },
            Self::Long { name, value } => {
                words.push(name.clone());
                words.extend(value.clone());
            }
        }
        Ok(())
    }
}

fn is_option(word: &str) -> bool {
    word.starts_with('-') || (word.starts_with('+') && word.len() > 1)
}

fn long(name: String, words: &mut impl Iterator<Item = String>) -> Result<ShellOption, ShellError> {
    if LONG.contains(&name.as_str()) {
        return Ok(ShellOption::Long { name, value: None });
    }
    if !LONG_WITH_VALUE.contains(&name.as_str()) {
        return Err(ShellError::Unknown { option: name });
    }
    match words.next() {
        None => Err(ShellError::NoValue { option: name }),
        value => Ok(ShellOption::Long { name, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, ShellCall, ShellError};

    fn bash(words: &str) -> String {
        words_for(words, Dialect::Bash).unwrap()
    }

    fn words_for(words: &str, dialect: Dialect) -> Result<String, ShellError> {
        let words = words.split(' ').filter(|word| !word.is_empty());
        let call = ShellCall::read(words.map(str::to_owned))?;
        Ok(call.words("sh", dialect)?.join(" "))
    }

    #[test]
    fn the_calls_that_programs_make_are_understood() {
        assert_eq!(bash("-c ls"), "sh -c -- ls");
        assert_eq!(bash("-lc ls name arg"), "sh -l -c -- ls name arg");
        assert_eq!(bash("-c -l ls"), "sh -l -c -- ls");
        assert_eq!(bash("-cl ls"), "sh -l -c -- ls");
        assert_eq!(bash("-l -i -c ls"), "sh -l -i -c -- ls");
        assert_eq!(bash("-c -- -x"), "sh -c -- -x");
        assert_eq!(bash("-e script -c x"), "sh -e -- script -c x");
        assert_eq!(bash("-eo pipefail -c ls"), "sh -e -o pipefail -c -- ls");
        assert_eq!(
            bash("--noprofile --norc -eo pipefail file"),
            "sh --noprofile --norc -e -o pipefail -- file"
        );
        assert_eq!(bash("-e --rcfile x -c ls"), "sh --rcfile x -e -c -- ls");
        assert_eq!(bash("+e -c ls"), "sh +e -c -- ls");
        assert_eq!(bash("-O extglob -c ls"), "sh -O extglob -c -- ls");
        assert_eq!(bash("-s a b"), "sh -s -- a b");
        assert_eq!(bash("- a b"), "sh -- a b");
        assert_eq!(bash("-s"), "sh");
        assert_eq!(bash(""), "sh");
    }

    #[test]
    fn what_cannot_be_understood_is_refused_by_name() {
        let refused = |words, dialect| words_for(words, dialect).unwrap_err().to_string();
        assert_eq!(
            refused("-c", Dialect::Bash),
            "-c: option requires an argument"
        );
        assert_eq!(
            refused("-o", Dialect::Bash),
            "-o: option requires an argument"
        );
        assert_eq!(refused("-qc ls", Dialect::Bash), "-q: option is not known");
        assert_eq!(
            refused("--root x", Dialect::Bash),
            "--root: option is not known"
        );
        assert!(refused("-O extglob -c ls", Dialect::Dash).starts_with("-O: the shell"));
        assert!(refused("--rcfile x", Dialect::Dash).starts_with("--rcfile: the shell"));
    }

    #[test]
    fn a_shell_without_long_options_gets_what_they_mean() {
        assert_eq!(
            words_for("--login --norc -c ls", Dialect::Dash).unwrap(),
            "sh -l -c -- ls"
        );
    }
}
