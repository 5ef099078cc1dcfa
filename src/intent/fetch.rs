//! Commands that cannot do what they are asked without a network.
//!
//! Only what cannot succeed otherwise: `curl --version`, `npm test` or a package
//! from a local directory need none.

use super::reading::{Reading, Verdict};
use super::row::{Arguments, Order, Row, lists};
use super::scope::Scope;
use super::word::Word;
use crate::model::Right;

/// How a command needs a network.
pub(super) struct Fetch {
    row: Row,
    needs: Needs,
    /// With any of these options it needs none.
    unless: &'static str,
}

/// When a network is needed.
enum Needs {
    /// With any operand, which is a host.
    Host,
    /// With one of these subcommands.
    Subcommand {
        /// Always.
        always: &'static str,
        /// When a package is named that is not a local file.
        package: &'static str,
    },
}

const fn hosts(names: &'static str, text: &'static str, unless: &'static str) -> Fetch {
    Fetch {
        row: Row {
            names,
            text,
            order: Order::First,
            ..Row::NONE
        },
        needs: Needs::Host,
        unless,
    }
}

const fn packages(
    names: &'static str,
    text: &'static str,
    always: &'static str,
    package: &'static str,
    unless: &'static str,
) -> Fetch {
    Fetch {
        row: Row {
            names,
            text,
            ..Row::NONE
        },
        needs: Needs::Subcommand { always, package },
        unless,
    }
}

const FETCHES: &[Fetch] = &[
    hosts(
        "ssh",
        "-b -B -c -D -E -e -F -I -i -J -L -l -m -O -o -p -R -S -W -w",
        "-V -Q -G",
    ),
    hosts(
        "sftp ssh-copy-id mosh",
        "-b -B -c -D -F -i -J -l -o -P -p -R -S",
        "-V --version",
    ),
    hosts("ftp telnet lftp", "-c -e -f -l -n -p -u", "-V --version"),
    hosts(
        "nc ncat netcat",
        "-i -I -m -O -p -q -s -T -V -w -X -x",
        "-l --listen -U --unixsock -lk",
    ),
    hosts(
        "ping ping6",
        "-c -F -i -I -l -m -M -p -Q -s -S -t -T -w -W",
        "-V",
    ),
    hosts(
        "traceroute tracepath mtr",
        "-f -m -p -q -w -i -s -c",
        "-V --version",
    ),
    hosts(
        "dig nslookup host whois",
        "-b -c -f -k -p -q -t -x -y -h",
        "-v -V",
    ),
    packages(
        "apt apt-get aptitude",
        "-o --option -c --config-file -t --target-release -a",
        "update",
        "install reinstall download source build-dep",
        "-s --simulate --just-print --dry-run --recon --no-act --no-download --print-uris",
    ),
    packages(
        "apk",
        "",
        "update",
        "add fetch",
        "-s --simulate --no-network",
    ),
    packages(
        "dnf yum zypper",
        "",
        "check-update makecache",
        "install",
        "-C --cacheonly",
    ),
    packages("brew", "", "update", "install", "-n --dry-run"),
    packages(
        "pip pip3 pipx",
        "-r --requirement -c --constraint -e --editable -t --target --prefix --root --src \
         --python-version --platform --upgrade-strategy --no-binary --only-binary --config-settings",
        "search",
        "install download",
        "--no-index -f --find-links",
    ),
    packages(
        "npm pnpm yarn",
        "--prefix -C -w --workspace --registry --cache",
        "publish search login adduser whoami",
        "install i add",
        "--offline --dry-run",
    ),
    packages(
        "cargo",
        "--version --git --branch --tag --rev --path --root --registry --index --bin --example \
         -F --features --profile --target --target-dir -j --jobs --config -Z",
        "search publish login owner yank",
        "install",
        "--offline --path --dry-run --list --git",
    ),
    packages(
        "gem",
        "-v --version -i --install-dir",
        "push",
        "install",
        "--local -l",
    ),
    packages(
        "docker podman",
        "--config -c --context -H --host -l",
        "pull push login search",
        "",
        "",
    ),
    packages(
        "gh",
        "-R --repo",
        "pr issue repo run release api search workflow gist",
        "",
        "",
    ),
];

const CURL: Row = Row {
    text: "-A -b -C -d -e -E -F -H -h -m -P -Q -r -t -u -U -w -x -X -y -Y -z --user-agent --cookie \
           --continue-at --data --data-raw --data-binary --data-urlencode --data-ascii --json \
           --referer --cert --cert-type --key --key-type --pass --form --form-string \
           --header --max-time --connect-timeout --quote --range --user --proxy --proxy-user \
           --write-out --request --retry --retry-delay --retry-max-time --limit-rate --max-redirs \
           --interface --resolve --connect-to --ciphers --cacert --capath --proto --noproxy \
           --oauth2-bearer --aws-sigv4 --time-cond --url-query --url",
    reads: "-K --config -T --upload-file --netrc-file",
    writes: "-o --output --output-dir -c --cookie-jar -D --dump-header --trace --trace-ascii --stderr",
    ..Row::NONE
};

const WGET: Row = Row {
    text: "-a -A -B -D -e -I -l -Q -R -t -T -U -w -X --accept --reject --base --domains --execute \
           --level --quota --tries --timeout --user-agent --wait --user --password --header \
           --post-data --method --body-data --limit-rate --load-cookies --cut-dirs --referer",
    reads: "-i --input-file --post-file --body-file",
    writes: "-O --output-document -P --directory-prefix -o --output-file --save-cookies",
    ..Row::NONE
};

/// What makes any of these commands only tell about itself.
const ABOUT_ITSELF: &str = "-h --help --version";

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static Fetch> {
    FETCHES.iter().find(|fetch| fetch.row.is_for(name))
}

/// The command that `python3 -m …` runs, by its name.
pub(super) fn module<'a>(name: &str, split: &'a Arguments) -> Option<&'a str> {
    let module = split.value("-m").filter(|_| name.starts_with("python"));
    module.and_then(Word::whole)
}

impl Reading<'_> {
    /// Judges a command that may need a network.
    pub(super) fn fetch(&self, name: &str, fetch: &Fetch, arguments: &[Word]) -> Verdict {
        let split = fetch.row.split(arguments);
        if split.has(fetch.unless) || split.has(ABOUT_ITSELF) {
            return Ok(());
        }
        let Some((first, rest)) = split.operands.split_first() else {
            return Ok(());
        };
        match fetch.needs {
            Needs::Host => self.network(first.written()),
            Needs::Subcommand { always, package } => {
                let command = first.whole().unwrap_or_default();
                let needed = lists(always, command)
                    || (lists(package, command) && rest.iter().any(is_published));
                if !needed {
                    return Ok(());
                }
                self.network(&format!("{name} {command}"))
            }
        }
    }

    /// Judges `curl` and `wget`: what they fetch, and where they put it.
    pub(super) fn download(&self, name: &str, arguments: &[Word], scope: &Scope<'_>) -> Verdict {
        let row = if name == "curl" { &CURL } else { &WGET };
        let split = row.split(arguments);
        if split.has(ABOUT_ITSELF) || split.has("-V -M --manual") {
            return Ok(());
        }
        for address in split.operands.iter().chain(split.value("--url")) {
            if let Some(path) = address.after("file://") {
                self.path(scope, &path, Right::Read)?;
            } else if address.whole().is_some() || address.beginning().contains("://") {
                self.network(address.written())?;
            }
        }
        self.option_values(&split, scope)
    }
}

/// Whether a package certainly comes from a registry or a remote, and not from a file here.
fn is_published(word: &Word) -> bool {
    let Some(text) = word.whole() else {
        return false;
    };
    let is_file = [
        ".whl", ".tar.gz", ".tgz", ".zip", ".deb", ".rpm", ".gem", ".apk",
    ]
    .iter()
    .any(|ending| text.ends_with(ending));
    let is_local = text.starts_with(['.', '/', '~']) || text.starts_with("file:");
    let is_remote = text.contains("://");
    !text.is_empty() && (is_remote || !(is_file || is_local))
}
