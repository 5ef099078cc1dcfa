//! Clients by streamable HTTP, on loopback, each with a token.
//!
//! Loopback is open to every user of the machine, and to every page in a browser of the machine:
//! so nothing is answered without the token, to nobody who calls us by another name (DNS
//! rebinding), and to no page at all. What clients can have open is bounded.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::McpError;
use super::stdio::told_to_end;
use super::strangers::{Number, Strangers};
use super::token::Token;

/// The one path that is served.
const PATH: &str = "/mcp";

/// The largest request.
const LARGEST: usize = 16 << 20;

/// How many connections there are at once. For one more, the oldest goes that has not shown the
/// token; where all have, it waits.
const MOST_CONNECTIONS: usize = 256;

/// How long a client may take to say what it wants.
const HEADERS: Duration = Duration::from_secs(10);

/// How long answers that are under way may take, once the server was told to end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the server listens, and who may speak with it.
#[derive(Debug)]
pub struct Http {
    /// The address; on loopback.
    pub address: SocketAddr,
    /// What every request must carry.
    pub token: Token,
    /// How long a client's session lives without a word, beyond the longest command.
    pub idle: Duration,
    /// Called with the address once there is one.
    pub listening: fn(SocketAddr),
}

type Service<S> = StreamableHttpService<S, LocalSessionManager>;
type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Serves clients until a signal ends it. `server` makes what a client meets.
pub(super) async fn serve<S: ServerHandler>(
    http: &Http,
    longest: Duration,
    server: impl Fn() -> io::Result<S> + Send + Sync + 'static,
) -> Result<(), McpError> {
    if !http.address.ip().is_loopback() {
        return Err(McpError::NotLoopback(http.address));
    }
    let listener = TcpListener::bind(http.address)
        .await
        .map_err(|error| McpError::Listen(http.address, error))?;
    let address = listener
        .local_addr()
        .map_err(|error| McpError::Listen(http.address, error))?;
    let ending = CancellationToken::new();
    let service = service(server, address, longest.saturating_add(http.idle), &ending);
    (http.listening)(address);
    tokio::select! {
        () = accept(&listener, &service, &http.token) => {}
        () = told_to_end() => {}
    }
    ending.cancel();
    tokio::time::sleep(LAST_WORDS).await;
    Ok(())
}

fn service<S: ServerHandler>(
    server: impl Fn() -> io::Result<S> + Send + Sync + 'static,
    address: SocketAddr,
    keep_alive: Duration,
    ending: &CancellationToken,
) -> Service<S> {
    let port = address.port();
    let names = ["localhost", "127.0.0.1", "[::1]"];
    let hosts = names.map(|name| format!("{name}:{port}"));
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        // No page has any business here.
        .enforce_origin_validation()
        .with_max_request_body_bytes(LARGEST)
        .with_cancellation_token(ending.clone());
    let mut sessions = SessionConfig::default();
    sessions.keep_alive = Some(keep_alive);
    let mut manager = LocalSessionManager::default();
    manager.session_config = sessions;
    StreamableHttpService::new(server, Arc::new(manager), config)
}

async fn accept<S: ServerHandler>(listener: &TcpListener, service: &Service<S>, token: &Token) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let strangers = Arc::new(Strangers::default());
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                // Out of descriptors, most likely; some are given back in time.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if room.available_permits() == 0 {
            strangers.send_away_oldest();
        }
        // It is never closed.
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        strangers.add(|number| {
            let caller = Caller {
                number,
                strangers: strangers.clone(),
            };
            let connection = connection(stream, service.clone(), token.clone(), caller);
            let task = tokio::spawn(async move {
                connection.await;
                drop(place);
            });
            task.abort_handle()
        });
    }
}

/// Who is at the other end of a connection.
struct Caller {
    number: Number,
    strangers: Arc<Strangers>,
}

impl Caller {
    fn has_shown_the_token(&self) {
        self.strangers.remove(self.number);
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.strangers.remove(self.number);
    }
}

async fn connection<S: ServerHandler>(
    stream: TcpStream,
    service: Service<S>,
    token: Token,
    caller: Caller,
) {
    let answer = service_fn(|request| async {
        Ok::<_, Infallible>(answer(request, &service, &token, &caller).await)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), answer)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn answer<S: ServerHandler>(
    request: Request<Incoming>,
    service: &Service<S>,
    token: &Token,
    caller: &Caller,
) -> Answer {
    let headers = request.headers();
    if !only(headers, &AUTHORIZATION).is_some_and(|header| carries(header, token)) {
        let mut refused = plain(StatusCode::UNAUTHORIZED, "a bearer token is required\n");
        let scheme = HeaderValue::from_static("Bearer");
        refused.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        return refused;
    }
    caller.has_shown_the_token();
    // A name in the first line, or a second one, would be believed by some and not by others.
    if request.uri().authority().is_some() || only(headers, &HOST).is_none() {
        return plain(
            StatusCode::BAD_REQUEST,
            "one Host header names the server\n",
        );
    }
    if request.uri().path() != PATH {
        return plain(StatusCode::NOT_FOUND, "there is nothing here\n");
    }
    service.handle(request).await
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

fn carries(header: &HeaderValue, token: &Token) -> bool {
    let text = header.to_str().ok();
    let Some((scheme, value)) = text.and_then(|header| header.split_once(' ')) else {
        return false;
    };
    scheme.eq_ignore_ascii_case("bearer") && token.is(value.trim())
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())).boxed());
    *answer.status_mut() = status;
    answer
}

#[cfg(test)]
mod tests {
    use super::carries;
    use crate::mcp::Token;
    use hyper::header::HeaderValue;

    #[test]
    fn only_the_whole_token_will_do() {
        let token = Token::new("0123456789abcdef").unwrap();
        let carries = |header: &'static str| carries(&HeaderValue::from_static(header), &token);
        assert!(carries("Bearer 0123456789abcdef"));
        assert!(carries("bearer 0123456789abcdef"));
        for header in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeff",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
        ] {
            assert!(!carries(header), "{header}");
        }
    }
}
