//! Names that promise a secret: files and variables that have to be changed where a stranger
//! may have seen them.
//!
//! By the letters of the name alone. Nothing here looks at a value, and a name that is not
//! in the table is no promise that there is nothing to hide.

/// One kind of file that holds a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// What such a file holds, in the plural.
    pub holds: &'static str,
    names: &'static [Name],
}

/// How a file of a kind is called.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    /// The last names of its path: `.netrc`, `.aws/credentials`.
    Is(&'static str),
    /// It begins so.
    Begins(&'static str),
    /// It ends so.
    Ends(&'static str),
    /// It lies in a directory with these last names.
    In(&'static str),
}

use Name::{Begins, Ends, In, Is};

/// The table. The first kind that fits is the one that is told.
const FILES: [SecretFile; 14] = [
    SecretFile {
        holds: "environment files: keys and passwords of an application",
        names: &[Is(".env"), Begins(".env."), Is(".envrc"), Ends(".env")],
    },
    SecretFile {
        holds: "private keys for ssh",
        names: &[
            Begins("id_rsa"),
            Begins("id_dsa"),
            Begins("id_ecdsa"),
            Begins("id_ed25519"),
            Begins("ssh_host_"),
            Is(".ssh/identity"),
        ],
    },
    SecretFile {
        holds: "private keys and certificates",
        names: &[
            Ends(".pem"),
            Ends(".key"),
            Ends(".p12"),
            Ends(".pfx"),
            Ends(".jks"),
            Ends(".keystore"),
            Ends(".ppk"),
            Ends(".ovpn"),
            In(".gnupg/private-keys-v1.d"),
        ],
    },
    SecretFile {
        holds: "keys of a cloud: AWS, Google Cloud, Azure and others",
        names: &[
            Is(".aws/credentials"),
            Is(".aws/config"),
            In(".aws/sso/cache"),
            In(".config/gcloud"),
            In(".azure"),
            Is("application_default_credentials.json"),
            Begins("service-account"),
            Begins("service_account"),
            Is(".boto"),
            Is(".s3cfg"),
            Is("rclone.conf"),
        ],
    },
    SecretFile {
        holds: "access to a cluster",
        names: &[Is(".kube/config"), Is("kubeconfig"), Ends(".kubeconfig")],
    },
    SecretFile {
        holds: "access to a container registry",
        names: &[
            Is(".docker/config.json"),
            Is(".dockercfg"),
            Is(".dockerconfigjson"),
        ],
    },
    SecretFile {
        holds: "tokens of a package registry",
        names: &[
            Is(".npmrc"),
            Is(".yarnrc.yml"),
            Is(".pypirc"),
            Is(".cargo/credentials"),
            Is(".cargo/credentials.toml"),
            Is(".gem/credentials"),
            Is(".m2/settings.xml"),
        ],
    },
    SecretFile {
        holds: "passwords for servers and their databases",
        names: &[
            Is(".netrc"),
            Is("_netrc"),
            Is(".pgpass"),
            Is(".my.cnf"),
            Is(".htpasswd"),
            Is("shadow"),
            Is("gshadow"),
        ],
    },
    SecretFile {
        holds: "access to source code",
        names: &[
            Is(".git-credentials"),
            Is("git/credentials"),
            Is("gh/hosts.yml"),
            Is(".config/hub"),
        ],
    },
    SecretFile {
        holds: "tokens of an agent",
        names: &[
            Is(".claude/.credentials.json"),
            Is(".claude.json"),
            Is(".codex/auth.json"),
        ],
    },
    SecretFile {
        holds: "a store of passwords",
        names: &[
            Ends(".kdbx"),
            Ends(".kdb"),
            In(".password-store"),
            In("keyrings"),
            Is("wallet.dat"),
        ],
    },
    SecretFile {
        holds: "keys of infrastructure",
        names: &[
            Ends(".tfstate"),
            Ends(".tfvars"),
            Is(".terraformrc"),
            Is("credentials.tfrc.json"),
            Is(".vault-token"),
            Is(".vault_pass"),
        ],
    },
    SecretFile {
        holds: "credentials or tokens, as the name says",
        names: &[
            Is("credentials"),
            Begins("credentials."),
            Begins("client_secret"),
            Begins("secrets."),
            Is("secret"),
            Is("secrets"),
            Begins("secret."),
            Is("token"),
            Is("tokens"),
            Is("token.json"),
            Is("tokens.json"),
            Is("token.txt"),
            Ends(".token"),
            Is("passwords.txt"),
            Is("password.txt"),
        ],
    },
    SecretFile {
        holds: "what was typed before, passwords too",
        names: &[
            Is(".bash_history"),
            Is(".zsh_history"),
            Is(".psql_history"),
            Is(".mysql_history"),
            Is(".python_history"),
        ],
    },
];

/// Endings of files that resemble one with a secret and hold none.
const HARMLESS: [&str; 9] = [
    ".pub",
    ".example",
    ".sample",
    ".template",
    ".dist",
    ".md",
    ".rs",
    ".py",
    ".go",
];

/// What a file of this name would hold; none where its name promises no secret.
pub fn secret_file(path: &str) -> Option<&'static SecretFile> {
    let path = path.trim_end_matches('/');
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    if HARMLESS.iter().any(|end| name.ends_with(end)) {
        return None;
    }
    let fits = |kind: &Name| match kind {
        Is(last) => ends_in(path, last),
        Begins(start) => name.starts_with(start),
        Ends(end) => name.len() > end.len() && name.ends_with(end),
        In(directory) => path
            .strip_suffix(name)
            .is_some_and(|above| is_below(above, directory)),
    };
    FILES.iter().find(|kind| kind.names.iter().any(fits))
}

/// Whether these are the last names of the path.
fn ends_in(path: &str, last: &str) -> bool {
    path.strip_suffix(last)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Whether one of the directories on the way has these names.
fn is_below(above: &str, directory: &str) -> bool {
    let mut rest = above;
    while let Some(at) = rest.find(directory) {
        let is_whole = at == 0 || rest[..at].ends_with('/');
        rest = &rest[at + directory.len()..];
        if is_whole && rest.starts_with('/') {
            return true;
        }
    }
    false
}

/// Words in the names of variables that carry secrets, and what they carry.
const WORDS: [(&str, &str); 10] = [
    ("TOKEN", "a token"),
    ("SECRET", "a secret"),
    ("PASSW", "a password"),
    ("PASSPHRASE", "a password"),
    ("CREDENTIAL", "credentials"),
    ("APIKEY", "a key"),
    ("API_KEY", "a key"),
    ("PRIVATE", "something private"),
    ("_KEY", "a key"),
    ("DATABASE_URL", "an address with a password in it"),
];

/// What a variable of this name carries; none where its name promises no secret.
pub fn secret_variable(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    if name == "SSH_AUTH_SOCK" {
        return Some("the way to a key agent");
    }
    let word = WORDS.iter().find(|(word, _)| name.contains(word));
    word.map(|(_, carries)| *carries)
}

#[cfg(test)]
mod tests {
    use super::{FILES, secret_file, secret_variable};

    #[test]
    fn names_with_a_secret_are_known() {
        for path in [
            "/work/.env",
            ".env.production",
            "prod.env",
            "/home/me/.ssh/id_ed25519",
            "a/b/server.pem",
            "/home/me/.aws/credentials",
            "/home/me/.config/gcloud/legacy/x/adc.json",
            "/home/me/.kube/config",
            ".docker/config.json",
            ".npmrc",
            "/home/me/.netrc",
            ".pypirc",
            "vault.kdbx",
            "credentials.json",
            "/etc/shadow",
            "deploy.token",
            "terraform.tfstate",
        ] {
            assert!(secret_file(path).is_some(), "{path}");
        }
    }

    #[test]
    fn what_only_resembles_them_is_left_alone() {
        for path in [
            "/home/me/.ssh/id_ed25519.pub",
            ".env.example",
            "src/tokenizer.py",
            "src/secret.rs",
            "docs/credentials.md",
            "config",
            "kube/config.yaml",
            "x.config/gcloud/y",
            "main.c",
            "/",
            "",
            ".pem",
        ] {
            assert_eq!(secret_file(path), None, "{path}");
        }
    }

    #[test]
    fn variables_are_known_by_their_words() {
        for name in [
            "GITHUB_TOKEN",
            "aws_secret_access_key",
            "PGPASSWORD",
            "STRIPE_KEY",
        ] {
            assert!(secret_variable(name).is_some(), "{name}");
        }
        for name in ["TERM", "KEYBOARD", "LANG", "PATH"] {
            assert!(secret_variable(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_kind_says_what_it_holds() {
        for kind in &FILES {
            assert!(!kind.holds.is_empty() && !kind.names.is_empty());
        }
    }
}
