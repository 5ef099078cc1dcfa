//! Another server, in the sandbox: its tools as far as the policy lets them be called.
//!
//! The server is a command of a session of its own, and can do what any command there can. Its
//! word on what its tools do is not passed on: the policy's is. Every call is decided on and on
//! record before the server hears of it. What it asks of its client, it is refused. Its answers
//! are passed on as they are, and none of them can carry the sign of ours.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientConfig, ErrorData,
    Implementation, ListToolsResult, MetaObject, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{
    NotificationContext, Peer, RequestContext, RoleClient, RunningService, ServiceError, ServiceExt,
};
use rmcp::{ClientHandler, RoleServer, ServerHandler};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::McpError;
use super::answering::Answering;
use super::render::Answer;
use super::session::Setup;
use crate::broker::{ToolCall, ToolEnd, ToolSession};
use crate::daemon::Piped;
use crate::model::{Denial, shown};
use crate::policy::ToolMark;

/// The most tools that a server may have, and the most pages that it may list them on.
const MOST_TOOLS: usize = 1000;
const MOST_PAGES: usize = 100;

/// The longest name of a tool.
const LONGEST_NAME: usize = 128;

/// What answers of ours carry among their `_meta`, and no answer of the server does.
const OURS: &str = "lobsterpot/said";

/// How long a server may take to begin.
const BEGINNING: Duration = Duration::from_mins(2);

/// How often it is looked whether a client that hears of nothing is still there.
const LOOKING: Duration = Duration::from_mins(1);

/// A server in the sandbox. Clones are handles of the same one.
#[derive(Debug, Clone)]
pub(super) struct Wrapped(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    server: Peer<RoleClient>,
    changed: Arc<Notify>,
    calls: Mutex<Option<ToolSession>>,
    /// The longest that a call may take.
    wall: Duration,
}

/// What has to be ended when nobody needs the server any more.
pub(super) struct Running {
    wrapped: Wrapped,
    client: RunningService<RoleClient, Listener>,
    process: Piped,
}

/// What the server can tell its client: that its tools are others now, and nothing else.
#[derive(Debug)]
struct Listener {
    changed: Arc<Notify>,
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.client_info = Implementation::new("lobsterpot", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.notify_waiters();
    }
}

impl Running {
    /// Starts a server in the sandbox, and begins a session with it.
    pub(super) async fn start(
        setup: &Setup,
        argv: &[OsString],
        calls: ToolSession,
    ) -> Result<Self, McpError> {
        let (process, output, input) = Piped::start(&setup.selectors, argv, Some(&setup.directory))
            .map_err(McpError::Start)?;
        let changed = Arc::<Notify>::default();
        let listener = Listener {
            changed: changed.clone(),
        };
        let begun = listener.serve(Answering::new(output, input));
        let begun = tokio::time::timeout(BEGINNING, begun).await;
        let client = match begun {
            Ok(Ok(client)) => client,
            Ok(Err(error)) => {
                process.end().await;
                calls.close();
                return Err(McpError::Wrapped(shown(&error.to_string()).into_owned()));
            }
            Err(_) => {
                drop(process);
                calls.close();
                return Err(McpError::Wrapped("it does not answer".into()));
            }
        };
        let wrapped = Wrapped(Arc::new(Inner {
            server: client.peer().clone(),
            changed,
            calls: Mutex::new(Some(calls)),
            wall: setup.terms.policy.policy().limits.wall,
        }));
        Ok(Self {
            wrapped,
            client,
            process,
        })
    }

    /// The server, for its clients.
    pub(super) fn server(&self) -> Wrapped {
        self.wrapped.clone()
    }

    /// Ends the server and everything that it started.
    pub(super) async fn end(self) {
        // The server's input ends with the client's own session.
        let _ = self.client.cancel().await;
        self.process.end().await;
        if let Some(calls) = self.wrapped.calls().take() {
            calls.close();
        }
    }
}

impl Wrapped {
    /// Nothing that panics is done while it is locked.
    fn calls(&self) -> MutexGuard<'_, Option<ToolSession>> {
        self.0.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's tools that may be called, in the policy's words.
    async fn tools(&self) -> Result<Vec<Tool>, ServiceError> {
        let mut offered: Vec<Tool> = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let mut page = PaginatedRequestParams::default();
            page.cursor = cursor;
            let listed = self.0.server.list_tools(Some(page)).await?;
            offered.extend(listed.tools.into_iter().filter_map(|tool| self.offer(tool)));
            cursor = listed.next_cursor;
            if cursor.is_none() || offered.len() >= MOST_TOOLS {
                break;
            }
        }
        offered.truncate(MOST_TOOLS);
        Ok(offered)
    }

    fn offer(&self, mut tool: Tool) -> Option<Tool> {
        if !is_name(&tool.name) {
            return None;
        }
        let mark = self.calls().as_ref()?.allows(&tool.name)?;
        let title = tool.annotations.take().and_then(|hints| hints.title);
        tool.annotations = Some(hints(mark, title));
        Some(tool)
    }

    fn decide(
        &self,
        context: &RequestContext<RoleServer>,
        tool: &str,
    ) -> Result<ToolCall, Box<Answer>> {
        let id = serde_json::to_value(&context.id).unwrap_or_default();
        match self.calls().as_mut() {
            Some(calls) => calls
                .decide(&id, tool)
                .map_err(|(denial, record)| Box::new(refused(&denial, record))),
            None => Err(Box::new(Answer::failed("the session has ended"))),
        }
    }

    fn ended(&self, call: &ToolCall, end: ToolEnd<'_>) {
        if let Some(calls) = self.calls().as_ref() {
            calls.ended(call, end);
        }
    }

    /// Passes a call on, and waits for its answer as long as a command may take.
    async fn pass_on(
        &self,
        call: &ToolCall,
        params: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        // When one of the others comes first, the server is told that nobody waits any more.
        let answer = tokio::select! {
            answer = self.0.server.call_tool_once(params) => answer,
            () = tokio::time::sleep(self.0.wall) => {
                self.ended(call, ToolEnd::TimedOut);
                let mut late = Answer::failed("the server's time to answer was up");
                late.status = "timeout".into();
                return ours(late, call.tool());
            }
            () = context.ct.cancelled() => {
                self.ended(call, ToolEnd::Failed("it was cancelled"));
                return ours(Answer::failed("it was cancelled"), call.tool());
            }
        };
        let why = match answer {
            Ok(CallToolResponse::Complete(result)) => {
                self.ended(call, ToolEnd::Done);
                return the_servers(result);
            }
            Ok(_) => "the server asks its client for more, which it cannot have here".to_owned(),
            Err(ServiceError::McpError(error)) => {
                format!("the server answers: {}", shown(&error.message))
            }
            Err(error) => format!("the server gives no answer: {}", shown(&error.to_string())),
        };
        // The server's words are none of ours.
        self.ended(call, ToolEnd::Failed("the server gave no result"));
        ours(Answer::failed(&why), call.tool())
    }
}

/// An answer of ours, in the place of one of the server's.
fn ours(answer: Answer, tool: &str) -> CallToolResult {
    let mut result = answer.into_result(tool);
    let meta = result.meta.get_or_insert_with(MetaObject::default);
    meta.0.insert(OURS.into(), true.into());
    result
}

/// An answer of the server: its text and its structured content can say anything, and would be
/// spoiled by being changed, but it cannot be taken for one of ours.
fn the_servers(mut result: CallToolResult) -> CallToolResult {
    if let Some(meta) = &mut result.meta {
        meta.0.remove(OURS);
    }
    result
}

/// What a client may rely on: what the policy says of the tool, whatever the server says.
fn hints(mark: ToolMark, title: Option<String>) -> ToolAnnotations {
    let looks = mark == ToolMark::ReadOnly;
    let sends = mark == ToolMark::Sending;
    ToolAnnotations::from_raw(title, Some(looks), Some(!looks), Some(looks), Some(sends))
}

fn refused(denial: &Denial, record: String) -> Answer {
    let mut answer = Answer::done(Value::Null);
    answer.status = "denied".into();
    answer.denials = json!([denial]);
    answer.rest.insert("audit".into(), record.into());
    answer
}

/// Whether a tool can have this name; patterns of a policy are made of the same letters, so that
/// no other letter leads around them.
fn is_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_known)
}

impl ServerHandler for Wrapped {
    fn get_info(&self) -> ServerConfig {
        let mut info = super::server::info();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        info
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        while !context.peer.is_transport_closed() && !self.0.server.is_transport_closed() {
            let changed = self.0.changed.notified();
            if tokio::time::timeout(LOOKING, changed).await.is_ok()
                && context.peer.notify_tool_list_changed().await.is_err()
            {
                return;
            }
            // A server that says it again and again is heard once a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        match tokio::time::timeout(self.0.wall, self.tools()).await {
            Ok(Ok(tools)) => Ok(ListToolsResult::with_all_items(tools)),
            Ok(Err(error)) => {
                let why = format!("the wrapped server: {}", shown(&error.to_string()));
                Err(ErrorData::internal_error(why, None))
            }
            Err(_) => Err(ErrorData::internal_error(
                "the wrapped server does not answer",
                None,
            )),
        }
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if !is_name(&params.name) {
            let why = format!("no tool can have the name {}", shown(&params.name));
            return Err(ErrorData::invalid_params(why, None));
        }
        let call = match self.decide(&context, &params.name) {
            Ok(call) => call,
            Err(answer) => return Ok(ours(*answer, &params.name).into()),
        };
        let mut passed = CallToolRequestParams::new(params.name);
        passed.arguments = params.arguments;
        Ok(self.pass_on(&call, passed, &context).await.into())
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_is_made_of_what_patterns_are_made_of() {
        assert!(is_name("send-mail_2.now/x"));
        for name in ["", "send mail", "send\u{200b}mail", "sénd", "a*", "a\n"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(!is_name(&"a".repeat(129)));
    }
}
