//! A policy as text again: what is printed reads back as the same policy.

use std::fmt::Write as _;

use super::quantity::{duration_text, size_text};
use super::terms::{
    Background, Commands, GrantSelection, HardLinks, KernelWitness, Missing, ModeWish, Policy,
};
use super::tools::ToolMark;
use crate::model::Rights;

impl Policy {
    /// The policy in TOML, with every default written out.
    pub fn to_toml(&self) -> String {
        let mut out = Printer(String::new());
        out.key("name", &text(&self.name));
        out.key("description", &text(&self.description));
        self.print_paths(&mut out);
        if self.commands.place.is_some() {
            out.section("commands");
            out.key("run", commands(self.commands.run));
            out.key("reason", &text(&self.commands.reason));
        }
        self.print_environment(&mut out);
        out.section("network");
        out.key("allow", "\"none\"");
        self.print_tools(&mut out);
        self.print_limits(&mut out);
        self.print_containment(&mut out);
        self.print_people(&mut out);
        out.0
    }

    fn print_paths(&self, out: &mut Printer) {
        for grant in &self.grants {
            out.element("grant");
            out.key("name", &text(&grant.name));
            out.key("path", &text(&grant.path));
            out.key("rights", &rights(grant.rights));
            out.list("hide", &grant.hide);
            out.list("protect", &grant.protect);
            if grant.hard_links == HardLinks::Allow {
                out.key("hard-links", "\"allow\"");
            }
            if grant.missing == Missing::Skip {
                out.key("missing", "\"skip\"");
            }
            out.key("reason", &text(&grant.reason));
        }
        for deny in &self.denies {
            out.element("deny");
            out.key("path", &text(&deny.path));
            out.key("reason", &text(&deny.reason));
        }
    }

    fn print_environment(&self, out: &mut Printer) {
        let environment = &self.environment;
        if *environment == super::Environment::default() {
            return;
        }
        out.section("environment");
        out.list("pass", &environment.pass);
        out.list("request", &environment.request);
        if !environment.set.is_empty() {
            let pairs = environment.set.iter();
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{} = {}", text(name), text(value)))
                .collect();
            out.key("set", &format!("{{ {} }}", pairs.join(", ")));
        }
    }

    fn print_tools(&self, out: &mut Printer) {
        let tools = &self.tools;
        if tools.place.is_none() {
            return;
        }
        out.section("tools");
        for mark in ToolMark::ALL {
            out.list(mark.as_str(), tools.patterns(mark));
        }
        out.key("default", &text(tools.default.as_str()));
        out.key("reason", &text(&tools.reason));
    }

    fn print_limits(&self, out: &mut Printer) {
        let limits = &self.limits;
        out.section("limits");
        out.key("wall", &text(&duration_text(limits.wall)));
        out.optional("cpu", limits.cpu.map(|time| text(&duration_text(time))));
        let size = |bytes| text(&size_text(bytes));
        out.optional("memory", limits.memory.map(size));
        out.optional("processes", limits.processes.map(|count| count.to_string()));
        out.key("open-files", &limits.open_files.to_string());
        out.optional("file-size", limits.file_size.map(size));
        out.key("output", &size(limits.output));
        out.key("reply", &size(limits.reply));
        out.key("file-read", &size(limits.file_read));
        out.key("entries", &limits.entries.to_string());
        out.key("scratch", &size(limits.scratch));
    }

    fn print_containment(&self, out: &mut Printer) {
        let containment = &self.containment;
        out.section("containment");
        out.key(
            "mode",
            match containment.mode {
                ModeWish::Auto => "\"auto\"",
                ModeWish::View => "\"view\"",
                ModeWish::Flat => "\"flat\"",
            },
        );
        out.list("profiles", &containment.profiles);
        let accept = containment.accept.iter();
        let accept: Vec<String> = accept.map(ToString::to_string).collect();
        out.list("accept", &accept);
        let abi = containment.minimum_landlock_abi.to_string();
        out.key("minimum-landlock-abi", &abi);
        if containment.background == Background::UntilSessionEnd {
            out.key("background", "\"until-session-end\"");
        }
        if let Some(notify) = containment.notify {
            out.key("notify", &text(notify.as_str()));
        }
        match containment.kernel_witness {
            KernelWitness::Auto => {}
            KernelWitness::Required => out.key("kernel-witness", "\"required\""),
            KernelWitness::Off => out.key("kernel-witness", "\"off\""),
        }
    }

    fn print_people(&self, out: &mut Printer) {
        for (tier, ceiling) in self.tiers.iter().rev() {
            out.section(&format!("tier.{tier}"));
            out.key("rights", &rights(ceiling.rights));
            out.key("commands", commands(ceiling.commands));
            match &ceiling.grants {
                GrantSelection::All => out.key("grants", "\"all\""),
                GrantSelection::Named(names) => out.list("grants", names),
            }
            out.key("reason", &text(&ceiling.reason));
        }
        if !self.principals.is_empty() {
            out.section("principal");
            for (id, tier) in &self.principals {
                out.key(&text(id.as_str()), &text(tier.as_str()));
            }
        }
    }
}

/// A document being written. Writing to a `String` cannot fail.
struct Printer(String);

impl Printer {
    fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n[{name}]");
    }

    fn element(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n[[{name}]]");
    }

    fn key(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.0, "{key} = {value}");
    }

    fn optional(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.key(key, &value);
        }
    }

    /// A list; an empty one is not written, since absent means the same.
    fn list(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            let texts: Vec<String> = texts.iter().map(|one| text(one)).collect();
            self.key(key, &format!("[{}]", texts.join(", ")));
        }
    }
}

/// A basic string.
pub(super) fn text(plain: &str) -> String {
    let mut quoted = String::from("\"");
    for character in plain.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            plain if plain.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(plain));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

pub(super) fn rights(rights: Rights) -> String {
    let words: Vec<String> = rights.iter().map(|right| text(right.as_str())).collect();
    format!("[{}]", words.join(", "))
}

const fn commands(commands: Commands) -> &'static str {
    match commands {
        Commands::None => "\"none\"",
        Commands::All => "\"all\"",
    }
}
