//! A session of one's own: a file is read, a command runs, and what leads outside is refused.
//!
//! ```sh
//! cargo run --example session -- DIRECTORY
//! ```

use std::error::Error;

use lobsterpot::{Broker, Choice, Request, Status};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("name a directory")?;
    let broker = Broker::of_this_user()?;
    let mut session = broker.open(&Choice::default().root(directory).read_only())?;
    for line in [
        r#"{"id": "list", "op": "file.list", "path": "."}"#,
        r#"{"id": "count", "op": "exec.run", "shell": "ls | wc -l"}"#,
        r#"{"id": "change", "op": "file.write", "path": "new", "content": "x"}"#,
        r#"{"id": "outside", "op": "exec.run", "shell": "find ~"}"#,
    ] {
        let request = Request::parse(line)?;
        let reply = session.handle(&request);
        match reply.status {
            Status::Ok => println!("{}: {}", reply.id, reply.result),
            status => println!("{}: {status:?}", reply.id),
        }
        for denial in &reply.denials {
            println!("  {}", denial.message);
        }
    }
    session.close();
    Ok(())
}
