//! How an ssh command was called by a program that takes us for one.
//!
//! There is no other machine: the command runs here, in the sandbox. So what would matter to a
//! connection is passed over, and what would lead anywhere else (forwarding, proxies, agents) is
//! refused.

/// What an ssh command was called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshCall {
    /// The other machine, by the name that the caller gave it.
    pub host: String,
    /// What is to run there.
    pub command: String,
}

/// Why a call cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    /// An option that is not known, or leads elsewhere.
    #[error("{0}: this stand-in for ssh has no such option")]
    Unknown(String),
    /// An option without its value.
    #[error("{0}: option requires an argument")]
    NoValue(String),
    /// No host.
    #[error("no host was named")]
    NoHost,
    /// No command. Nobody logs in here.
    #[error("no command was named")]
    NoCommand,
}

/// Letters without a value that change nothing here. A terminal is the caller's own, or none.
const PASSED_OVER: &str = "46CTaknqtvx";
/// Letters whose value matters to connections only.
const VALUE_PASSED_OVER: &str = "FEIPSbceilmp";
/// Settings that matter to connections only.
const SETTINGS: [&str; 17] = [
    "addressfamily",
    "batchmode",
    "certificatefile",
    "checkhostip",
    "connectionattempts",
    "connecttimeout",
    "identitiesonly",
    "identityfile",
    "loglevel",
    "passwordauthentication",
    "port",
    "requesttty",
    "serveralivecountmax",
    "serveraliveinterval",
    "stricthostkeychecking",
    "updatehostkeys",
    "userknownhostsfile",
];

impl SshCall {
    /// Reads the words after the name of the program.
    ///
    /// # Errors
    /// When an option is not known, or something is missing.
    pub fn read(words: impl IntoIterator<Item = String>) -> Result<Self, SshError> {
        let mut words = words.into_iter();
        let host = loop {
            let word = words.next().ok_or(SshError::NoHost)?;
            match word.strip_prefix('-') {
                Some("-") => break words.next().ok_or(SshError::NoHost)?,
                Some(letters) if !letters.is_empty() => options(letters, &mut words)?,
                _ => break word,
            }
        };
        // As ssh does: the words of the command, with blanks between them, are one line.
        let command = words.collect::<Vec<_>>().join(" ");
        if command.is_empty() {
            return Err(SshError::NoCommand);
        }
        Ok(Self { host, command })
    }

    /// What the call is for.
    ///
    /// OpenClaw puts a script into a directory of its own in /tmp by one call, runs it by the
    /// next, and removes what is left by a third. Each call has a /tmp of its own here, so these
    /// three are known by their words, all of them.
    pub fn step(&self) -> Step {
        let known = literal(&self.command).and_then(|words| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match words[..] {
                ["/bin/sh", "-c", STAGE, "openclaw-sandbox-exec-stage", place] => {
                    staged(place, "").map(Step::Stage)
                }
                ["/bin/sh", script] => staged(script, "/exec.sh").map(Step::RunStaged),
                [
                    "/bin/sh",
                    "-c",
                    CLEAN,
                    "openclaw-sandbox-exec-cleanup",
                    place,
                ] => staged(place, "").map(Step::Clean),
                _ => None,
            }
        });
        known.unwrap_or_else(|| {
            let words = ["sh", "-c", "--", &self.command];
            Step::Run(words.map(str::to_owned).to_vec())
        })
    }
}

/// What a call is for. A script has the name of the directory that was to be its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To run these words.
    Run(Vec<String>),
    /// To keep the script on standard input for a later call.
    Stage(String),
    /// To run that script.
    RunStaged(String),
    /// To forget it, if it is still there.
    Clean(String),
}

/// The script with itself in the place of the directory that it removes first: that one is never
/// made, and where there is no view, what is not there outside must not be removed either.
pub fn removing_itself(script: &str, name: &str) -> String {
    let removal = format!("\nrm -rf -- '/tmp/{name}'\n");
    script.replacen(&removal, "\nrm -f -- \"$0\"\n", 1)
}

/// How a script is put into its directory, and how both are removed.
const STAGE: &str = r#"umask 077 && mkdir -- "$1" && cat > "$1/exec.sh" && chmod 700 "$1/exec.sh""#;
const CLEAN: &str = r#"rm -rf -- "$1""#;

/// Reads one word of options.
fn options(letters: &str, words: &mut impl Iterator<Item = String>) -> Result<(), SshError> {
    for (index, letter) in letters.char_indices() {
        let option = format!("-{letter}");
        if PASSED_OVER.contains(letter) {
            continue;
        }
        if letter != 'o' && !VALUE_PASSED_OVER.contains(letter) {
            return Err(SshError::Unknown(option));
        }
        let attached = &letters[index + letter.len_utf8()..];
        let value = match attached {
            "" => words.next().ok_or(SshError::NoValue(option))?,
            value => value.to_owned(),
        };
        if letter == 'o' {
            let name = value.split(['=', ' ', '\t']).next().unwrap_or_default();
            if !SETTINGS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(SshError::Unknown(format!("-o {name}")));
            }
        }
        return Ok(());
    }
    Ok(())
}

/// The words of a line that consists of nothing but words between single quotes; none where a
/// shell would have anything to expand.
fn literal(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        let mut word = String::new();
        loop {
            let (text, after) = rest.strip_prefix('\'')?.split_once('\'')?;
            word.push_str(text);
            let Some(more) = after.strip_prefix("\"'\"") else {
                rest = after;
                break;
            };
            word.push('\'');
            rest = more;
        }
        words.push(word);
        match rest.strip_prefix(' ') {
            Some(after) => rest = after,
            None => return rest.is_empty().then_some(words),
        }
    }
}

/// The name of a directory for one command, of a path that ends like this.
fn staged(path: &str, end: &str) -> Option<String> {
    const NAME: &str = "openclaw-sandbox-exec-";
    const NUMBER: usize = 36;
    let name = path.strip_prefix("/tmp/")?.strip_suffix(end)?;
    let number = name.strip_prefix(NAME)?;
    let is_known = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    (number.len() == NUMBER && number.bytes().all(is_known)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{CLEAN, STAGE, SshCall, SshError, Step, literal};
    use crate::shim::quoted;

    fn read(words: &[&str]) -> Result<SshCall, SshError> {
        SshCall::read(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn the_calls_that_are_made_are_understood() {
        let plain = ["-F", "/x/config", "-T", "-o", "RequestTTY=no", "host", "ls"];
        let terminal = ["-F/x", "-tt", "-oRequestTTY=force", "--", "host", "ls"];
        for words in [&plain[..], &terminal] {
            let call = read(words).unwrap();
            assert_eq!((call.host.as_str(), call.command.as_str()), ("host", "ls"));
        }
        let call = read(&["-qp", "22", "me@host", "echo", "a  b", "-x"]).unwrap();
        assert_eq!(call.command, "echo a  b -x");
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for words in [
            &["-L", "1:a:2", "host", "ls"][..],
            &["-A", "host", "ls"],
            &["-J", "other", "host", "ls"],
            &["-o", "ProxyCommand=x", "host", "ls"],
            &["-oLocalForward 1 a:2", "host", "ls"],
        ] {
            assert!(
                matches!(read(words), Err(SshError::Unknown(_))),
                "{words:?}"
            );
        }
        assert_eq!(read(&["-T"]), Err(SshError::NoHost));
        assert_eq!(read(&["host"]), Err(SshError::NoCommand));
        assert_eq!(read(&["-o"]), Err(SshError::NoValue("-o".into())));
    }

    #[test]
    fn the_three_calls_for_a_script_are_known_and_nothing_else() {
        let name = "openclaw-sandbox-exec-0b0f6a3e-3b0e-4c51-9d5e-0c1f5d1d2a77";
        let place = format!("/tmp/{name}");
        let step = |command: &str| read(&["host", command]).unwrap().step();
        let run = step(&format!("'/bin/sh' '{place}/exec.sh'"));
        assert_eq!(run, Step::RunStaged(name.into()));
        let words =
            |script: &str, role: &str| format!("'/bin/sh' '-c' '{script}' '{role}' '{place}'");
        let stage = words(STAGE, "openclaw-sandbox-exec-stage");
        assert_eq!(step(&stage), Step::Stage(name.into()));
        let clean = words(CLEAN, "openclaw-sandbox-exec-cleanup");
        assert_eq!(step(&clean), Step::Clean(name.into()));
        for other in [
            words(STAGE, "openclaw-sandbox-fs"),
            words("x", "openclaw-sandbox-exec-stage"),
            words(STAGE, "openclaw-sandbox-exec-cleanup"),
            format!("'/bin/sh' '{place}/../exec.sh'"),
            format!("'/bin/sh' '{place}x/exec.sh'"),
            format!("'/bin/sh' '{place}'"),
            "'/bin/sh' '/tmp/openclaw-sandbox-exec-0b0f6a3e-3b0e-4c51-9d5e-0c1f5d1d2a7/exec.sh'"
                .into(),
            "'/bin/sh' '/tmp/openclaw-sandbox-exec-0b0f6a3e-3b0e-4c51-9d5e-0c1f5d1d2a/7/exec.sh'"
                .into(),
            format!("/bin/sh {place}/exec.sh"),
            format!("'/bin/sh' '{place}/exec.sh'; ls"),
        ] {
            let whole = ["sh", "-c", "--", &other].map(str::to_owned);
            assert_eq!(step(&other), Step::Run(whole.to_vec()));
        }
    }

    #[test]
    fn only_words_between_quotes_are_literal() {
        assert_eq!(literal("'a' 'b c'").unwrap(), ["a", "b c"]);
        assert_eq!(literal("'it'\"'\"'s'").unwrap(), ["it's"]);
        for other in ["", "a", "'a'b", "'a'  'b'", "'a' $b", "'a", "'a' "] {
            assert_eq!(literal(other), None, "{other}");
        }
        assert_eq!(literal(&quoted("a b")).unwrap(), ["a b"]);
    }
}
