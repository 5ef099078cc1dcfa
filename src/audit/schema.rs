//! The shape of a record: OCSF 1.8 objects, each with the members that are filled here.
//!
//! `docs/audit.md` explains every member; its table and these types change together.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::RecordId;
use super::repair::Repair;
use super::retention::Removal;
use crate::model::{Enforced, Folded, PathSource, Place, RefusalCode};

/// The version of OCSF that the names and ids are from.
pub(super) const OCSF: &str = "1.8.0";

/// Our own name.
pub(super) const PRODUCT: &str = "Lobsterpot";

/// How the line of a repair begins; a line that begins otherwise is none.
pub(super) const REPAIR_BEGINS: &[u8] =
    br#"{"class_uid":6003,"activity_id":99,"activity_name":"log.repair","#;

/// The OCSF profiles that lend members to every record.
pub(super) const PROFILES: [&str; 2] = ["security_control", "host"];

/// One record, without `prev` and `hash`, which the chain adds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Record<'a> {
    pub(super) class_uid: u32,
    pub(super) activity_id: u32,
    /// The operation's own name, where OCSF has no id for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) activity_name: Option<Cow<'a, str>>,
    pub(super) category_uid: u32,
    pub(super) type_uid: u32,
    /// Milliseconds since 1970.
    pub(super) time: u64,
    pub(super) severity_id: u32,
    pub(super) action_id: u32,
    pub(super) disposition_id: u32,
    pub(super) status_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_code: Option<RefusalCode>,
    pub(super) message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exit_code: Option<i32>,
    pub(super) actor: Actor<'a>,
    pub(super) device: Device<'a>,
    // What the record is about: the members that its class requires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_result: Option<FileObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<ProcessObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dst_endpoint: Option<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src_endpoint: Option<Host<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api: Option<Api<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy: Option<Policy<'a>>,
    pub(super) metadata: Metadata,
    pub(super) unmapped: Unmapped<'a>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<User<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<Session<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<ProcessObject<'a>>,
    /// Ourselves, where nobody asked: a repair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_name: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct User<'a> {
    pub(super) name: Cow<'a, str>,
    /// 99: "other", and `type` says what.
    pub(super) type_id: u32,
    /// The tier, or `unknown`.
    #[serde(rename = "type")]
    pub(super) tier: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Session<'a> {
    pub(super) uid: Cow<'a, str>,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Device<'a> {
    pub(super) hostname: &'a str,
    /// 0: unknown, whether a server or a laptop.
    pub(super) type_id: u32,
    pub(super) os: Os<'a>,
}

#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(super) struct Os<'a> {
    pub(super) name: &'static str,
    /// 200: Linux.
    pub(super) type_id: u32,
    pub(super) kernel_release: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct FileObject<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) path: Cow<'a, str>,
    /// 0: unknown. What lies outside is never looked at, so that the record tells no more
    /// about a path than was asked; 1: a regular file, for a program that runs.
    pub(super) type_id: u32,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct ProcessObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pid: Option<u32>,
    /// The record of the decision that let it run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<RecordId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cmd_line: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) working_directory: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_process: Option<Parent>,
}

#[derive(Debug, Serialize)]
pub(super) struct Parent {
    pub(super) pid: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Named<'a> {
    pub(super) name: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Host<'a> {
    pub(super) hostname: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct Api<'a> {
    pub(super) operation: Cow<'a, str>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Policy<'a> {
    pub(super) name: Cow<'a, str>,
    /// The policy's file, or `built-in:NAME`.
    pub(super) uid: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Decided<'a>>,
}

/// The rule that decided, and where it stands.
#[derive(Debug, Serialize)]
pub(super) struct Decided<'a> {
    pub(super) rule: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<&'a Place>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Metadata {
    pub(super) version: &'static str,
    pub(super) product: Product,
    pub(super) profiles: [&'static str; 2],
    pub(super) uid: Option<RecordId>,
    /// The record of the decision that this one belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) correlation_uid: Option<RecordId>,
    pub(super) sequence: u64,
}

/// Who wrote the record.
#[derive(Debug, Serialize)]
pub(super) struct Product {
    pub(super) name: &'static str,
    pub(super) vendor_name: &'static str,
    pub(super) version: &'static str,
}

impl Default for Product {
    fn default() -> Self {
        Self {
            name: PRODUCT,
            vendor_name: PRODUCT,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What OCSF has no member for.
#[derive(Debug, Default, Serialize)]
pub(super) struct Unmapped<'a> {
    /// `session`, `decision`, `effect`, `denial`, `repair` or `retention`.
    pub(super) phase: &'static str,
    pub(super) op: Cow<'a, str>,
    /// The tool of another server that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<Cow<'a, str>>,
    /// The id that the caller gave the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request: Option<Value>,
    /// The path as it was written, where `file.path` is another text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<Cow<'a, str>>,
    /// The path or command that was refused, where it is not what the record is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_source: Option<PathSource>,
    /// The part of the path that the kernel itself looked up, where that is not all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) looked_up: Option<Cow<'a, str>>,
    /// Why programs look there whatever they are asked to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) noise: Option<&'static str>,
    /// Why the record stands for several refusals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) folded: Option<Folded>,
    /// `done`, `exited`, `signalled`, `timeout`, `failed` or `denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) denials: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enforced: Option<&'a Enforced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) repair: Option<&'a Repair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) removal: Option<&'a Removal>,
}
