//! What a client of the Model Context Protocol meets: the tools, and calls of them.
//!
//! A tool call is a request of the session, and its answer the broker's reply. Nothing here
//! decides, and no call reaches anything but the session's worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, Peer, RequestContext};
use rmcp::{RoleServer, ServerHandler};
use tokio::sync::OwnedSemaphorePermit;

use super::arguments::{ShellOutput, ShellStop};
use super::render::Answer;
use super::session::Session;
use super::tools::{self, Action, Spec};
use crate::model::{Operation, RefusalCode};

/// What a client meets.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// The client's own session.
    own: Arc<Session>,
    /// The session of all requests that belong to none: by HTTP, in the current version of the
    /// protocol, nothing ties them together but the token.
    shared: Arc<Session>,
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

/// How often a client hears that a call is still under way, where it wants to.
const PROGRESS: Duration = Duration::from_secs(1);

/// How long a client may take to tell its roots.
const ASKING: Duration = Duration::from_secs(30);

/// The longest that `shell_output` waits.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

impl Server {
    /// The server of the only client.
    pub(super) fn of_one(session: Arc<Session>) -> Self {
        Self {
            own: session.clone(),
            shared: session,
            _place: None,
        }
    }

    /// The server of one client of many, or of one request; it keeps the place until it is gone.
    pub(super) fn of_many(
        own: Arc<Session>,
        shared: Arc<Session>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            own,
            shared,
            _place: Some(Arc::new(place)),
        }
    }

    fn session(&self, context: &RequestContext<RoleServer>) -> &Session {
        match context.protocol_version() {
            Some(version) if !version.has_initialize() => &self.shared,
            _ => &self.own,
        }
    }

    /// Before anything is offered or done, the session is as small as the client wants it.
    async fn learn_roots(&self, context: &RequestContext<RoleServer>) {
        if has_roots(&context.peer) && !self.own.knows_roots().await {
            self.ask_for_roots(&context.peer).await;
        }
    }

    /// A client that has roots and does not tell them has none.
    #[allow(
        deprecated,
        reason = "the version before the current one has roots, and its clients rely on them"
    )]
    async fn ask_for_roots(&self, client: &Peer<RoleServer>) {
        let told = tokio::time::timeout(ASKING, client.list_roots()).await;
        let roots = match told {
            Ok(Ok(told)) => told.roots,
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let uris = roots.into_iter().map(|root| root.uri).collect();
        self.own.narrow(uris).await;
    }

    async fn answer(
        &self,
        tool: &'static Spec,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Answer {
        let answered = match tool.action {
            Action::Request(read) => match read(arguments) {
                Ok(operation) => Ok(self.ask(&operation, context).await),
                Err(why) => Err(why),
            },
            Action::Start(read) => match read(arguments) {
                Ok(operation) => Ok(self.session(context).start_shell(operation).await),
                Err(why) => Err(why),
            },
            Action::Output => self.output(arguments, context).await,
            Action::Stop => match tools::read::<ShellStop>(arguments) {
                Ok(ask) => Ok(self.session(context).stop_shell(&ask.id).await),
                Err(why) => Err(why),
            },
        };
        answered.unwrap_or_else(|why| Answer::refused(RefusalCode::BadRequest, tool.name, &why))
    }

    async fn output(
        &self,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Result<Answer, String> {
        let ask: ShellOutput = tools::read(arguments)?;
        let wait = Duration::try_from_secs_f64(ask.wait.unwrap_or_default())
            .map_err(|error| format!("wait: {error}"))?;
        let wait = wait.min(LONGEST_WAIT);
        let session = self.session(context);
        Ok(session.shell_output(&ask.id, wait, &context.ct).await)
    }

    /// Asks, and tells the client meanwhile that it goes on.
    async fn ask(&self, operation: &Operation, context: &RequestContext<RoleServer>) -> Answer {
        let asked = self.session(context).ask(operation, &context.ct);
        let Some(token) = context.meta.get_progress_token() else {
            return asked.await;
        };
        tokio::pin!(asked);
        let started = Instant::now();
        let mut ticks = tokio::time::interval(PROGRESS);
        ticks.tick().await;
        loop {
            tokio::select! {
                answer = &mut asked => return answer,
                _ = ticks.tick() => {
                    let seconds = started.elapsed().as_secs_f64();
                    let progress = ProgressNotificationParam::new(token.clone(), seconds)
                        .with_message(format!("running for {seconds:.0} s"));
                    // A client that takes no messages takes no answer either.
                    let _ = context.peer.notify_progress(progress).await;
                }
            }
        }
    }
}

/// Whether the client said that it has roots. In the current version of the protocol none does:
/// a server asks its clients for nothing there.
fn has_roots(client: &Peer<RoleServer>) -> bool {
    client.peer_info().is_some_and(|info| {
        info.protocol_version.has_initialize() && info.capabilities.roots.is_some()
    })
}

/// What every server of ours says of itself.
pub(super) fn info() -> ServerConfig {
    let mut info = ServerConfig::default();
    info.protocol_version = ProtocolVersion::LATEST_WITH_INITIALIZE;
    info.capabilities = ServerCapabilities::builder().enable_tools().build();
    info.server_info =
        Implementation::new("lobsterpot", env!("CARGO_PKG_VERSION")).with_title("Lobsterpot");
    info
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let mut info = info();
        info.capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        info.instructions = Some(INSTRUCTIONS.into());
        info
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        if has_roots(&context.peer) {
            self.own.doubt_roots().await;
            self.ask_for_roots(&context.peer).await;
            // A client that is gone need not know.
            let _ = context.peer.notify_tool_list_changed().await;
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.learn_roots(&context).await;
        let terms = self.session(&context).terms().await;
        let offered = tools::offered(&terms);
        Ok(ListToolsResult::with_all_items(offered))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::named(&call.name) else {
            let name = crate::model::shown(&call.name);
            return Err(ErrorData::invalid_params(
                format!("unknown tool: {name}"),
                None,
            ));
        };
        self.learn_roots(&context).await;
        let arguments = call.arguments.unwrap_or_default();
        let answer = self.answer(tool, arguments, &context).await;
        let result: CallToolResult = answer.into_result(tool.name);
        Ok(result.into())
    }
}

const INSTRUCTIONS: &str = "\
Commands and file operations in a sandbox. Relative paths start in the workspace. What the policy \
does not grant is refused: a refusal is an error with a <sandbox_violations> block that says what \
was refused and what is granted instead. Asking again, or in another way, gives the same refusal.";
