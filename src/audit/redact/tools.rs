//! Where well-known programs take a secret on their command line.

use super::keys::{Key, key};
use super::secrets::is_reference;

/// For each word of one command: from which byte on it is a secret, if it is one.
pub(super) fn secrets_in(words: &[&str]) -> Vec<Option<usize>> {
    let mut secrets = vec![None; words.len()];
    let tool = tool(words);
    for (index, word) in words.iter().enumerate() {
        if let Some(from) = attached(tool, word) {
            secrets[index] = Some(from);
        }
        let Some(next) = words.get(index + 1).filter(|next| !is_reference(next)) else {
            continue;
        };
        let tool = if needs_login(tool) && !words.contains(&"login") {
            ""
        } else {
            tool
        };
        if secrets[index].is_none()
            && let Some(from) = following(tool, word, next)
        {
            secrets[index + 1] = Some(from);
        }
    }
    if tool == "htpasswd"
        && words
            .iter()
            .any(|word| word.starts_with('-') && word.contains('b'))
        && let Some(last) = secrets.last_mut()
    {
        *last = Some(0);
    }
    secrets
}

/// The programs that this module knows something about.
const KNOWN: [&str; 62] = [
    "7z",
    "7za",
    "7zz",
    "aws",
    "bcp",
    "buildah",
    "cqlsh",
    "curl",
    "docker",
    "doctl",
    "gcloud",
    "gh",
    "git",
    "helm",
    "heroku",
    "htpasswd",
    "http",
    "https",
    "ldapadd",
    "ldapdelete",
    "ldapmodify",
    "ldapsearch",
    "ldapwhoami",
    "lftp",
    "mariadb",
    "mariadb-admin",
    "mariadb-dump",
    "mongo",
    "mongodump",
    "mongorestore",
    "mongosh",
    "mosquitto_pub",
    "mosquitto_sub",
    "mysql",
    "mysqladmin",
    "mysqldump",
    "mysqlimport",
    "nerdctl",
    "net",
    "npm",
    "openssl",
    "oras",
    "pip",
    "pnpm",
    "podman",
    "redis-cli",
    "rpcclient",
    "skopeo",
    "smbclient",
    "sqlcmd",
    "sshpass",
    "unzip",
    "useradd",
    "usermod",
    "vault",
    "xh",
    "yarn",
    "zip",
    "gpg",
    "psql",
    "wget",
    "ssh",
];

/// The program's name, behind assignments and behind programs that start another.
fn tool<'a>(words: &[&'a str]) -> &'a str {
    const STARTERS: [&str; 12] = [
        "sudo", "doas", "env", "time", "nice", "nohup", "exec", "command", "timeout", "xargs",
        "setsid", "stdbuf",
    ];
    let mut names = words
        .iter()
        .skip_while(|word| word.contains('=') && !word.starts_with('-'))
        .map(|word| word.rsplit('/').next().unwrap_or(word));
    match names.next() {
        // Their own options are not known here, so the first known name is taken.
        Some(first) if STARTERS.contains(&first) => {
            names.find(|name| KNOWN.contains(name)).unwrap_or("")
        }
        first => first.unwrap_or(""),
    }
}

/// A secret in the same word as its option.
fn attached(tool: &str, word: &str) -> Option<usize> {
    let option = match tool {
        "mysql" | "mysqldump" | "mysqladmin" | "mysqlimport" | "mariadb" | "mariadb-dump"
        | "mariadb-admin" | "sshpass" | "7z" | "7za" | "7zz" => "-p",
        "curl" => {
            return word
                .strip_prefix("-u")
                .and_then(|login| after(login, ':'))
                .map(|from| from + 2);
        }
        "smbclient" | "rpcclient" | "net" => {
            return word
                .strip_prefix("-U")
                .and_then(|login| after(login, '%'))
                .map(|from| from + 2);
        }
        _ => {
            let password = word
                .strip_prefix("pass:")
                .filter(|password| !is_reference(password));
            return password
                .filter(|_| tool == "openssl")
                .map(|_| "pass:".len());
        }
    };
    word.strip_prefix(option)
        .filter(|value| !is_reference(value) && !value.starts_with('-'))
        // `-port` and the like are other options
        .filter(|value| {
            !matches!(
                *value,
                "ort" | "rotocol" | "ipe" | "lugin-dir" | "rint-defaults"
            )
        })
        .map(|_| option.len())
}

/// A secret in the word after its option.
fn following(tool: &str, word: &str, next: &str) -> Option<usize> {
    let is_option = word.starts_with('-');
    if is_option && key(word) == Key::Secret && !word.contains('=') && !next.starts_with('-') {
        return Some(0);
    }
    let whole = match tool {
        "sshpass" => word == "-p",
        "docker" | "podman" | "nerdctl" | "buildah" | "skopeo" | "helm" | "oras" | "mongo"
        | "mongosh" | "mongodump" | "mongorestore" | "cqlsh" | "useradd" | "usermod" => {
            word == "-p"
        }
        "redis-cli" => word == "-a",
        "ldapsearch" | "ldapmodify" | "ldapadd" | "ldapdelete" | "ldapwhoami" => word == "-w",
        "zip" | "unzip" | "mosquitto_pub" | "mosquitto_sub" | "sqlcmd" | "bcp" => word == "-P",
        "vault" => word == "login" && !next.starts_with('-'),
        "aws" | "npm" | "pnpm" | "yarn" | "pip" | "git" | "gh" | "heroku" | "gcloud" | "doctl" => {
            !is_option && word.contains(['_', ':']) && key(word) == Key::Secret
        }
        _ => false,
    };
    if whole {
        return Some(0);
    }
    match (tool, word) {
        ("curl", "-u" | "--user" | "-U" | "--proxy-user")
        | ("http" | "https" | "xh", "-a" | "--auth") => after(next, ':'),
        ("curl", "-b" | "--cookie") => next.contains('=').then_some(0),
        ("smbclient" | "rpcclient" | "net", "-U" | "--user") => after(next, '%'),
        ("lftp", "-u") => after(next, ','),
        _ => None,
    }
}

/// Programs whose options take a secret only where they log in: `docker run -p 8080:80`.
fn needs_login(tool: &str) -> bool {
    matches!(
        tool,
        "docker" | "podman" | "nerdctl" | "buildah" | "skopeo" | "helm" | "oras"
    )
}

/// The byte after the mark, where something that is no reference follows it.
fn after(text: &str, mark: char) -> Option<usize> {
    let (before, secret) = text.split_once(mark)?;
    (!is_reference(secret)).then_some(before.len() + mark.len_utf8())
}
