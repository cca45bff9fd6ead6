//! Relays one connection, and lets faults happen to it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::script::{Cut, Fault};
use super::{Shared, reset};

const BUFFER_BYTES: usize = 16 * 1024;

/// Bytes of one request that are kept to recognise a trigger that arrives in pieces.
const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// How often a connection that is under a fault looks whether it was mended.
const MENDED_POLL: Duration = Duration::from_millis(10);

/// How a connection ends.
enum End {
    /// Both sides are done, or one is gone.
    Orderly,
    /// The client sees a reset.
    Reset,
    /// The client gets these bytes in the server's place.
    Answer(Vec<u8>),
}

/// Where a connection is.
#[derive(Default)]
struct Phase {
    /// The fault under which it is, until it is over or mended.
    fault: Option<Fault>,
    /// What the client has said since the server last spoke; the beginning is dropped.
    request: Vec<u8>,
    /// Bytes that have passed under the fault, to the side that it is about.
    passed: usize,
    /// Whether the server was the last to speak.
    server_spoke: bool,
}

pub(crate) struct Connection {
    shared: Arc<Shared>,
    resets: watch::Receiver<u64>,
    phase: Mutex<Phase>,
    mended: u64,
}

impl Connection {
    pub fn new(shared: Arc<Shared>, resets: watch::Receiver<u64>) -> Self {
        let mended = shared.script.mended();
        let phase = Mutex::new(Phase { server_spoke: true, ..Phase::default() });
        Self { shared, resets, phase, mended }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Relays until one side ends or a fault does.
    pub async fn relay(self, mut client: TcpStream, mut server: TcpStream) {
        let end = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let mut resets = self.resets.clone();
            tokio::select! {
                end = async {
                    let up = self.requests(from_client, to_server);
                    let down = self.responses(from_server, to_client);
                    both(up, down).await
                } => end,
                _ = resets.changed() => Ok(End::Reset),
                () = self.until_mended() => Ok(End::Reset),
            }
        };
        match end {
            Ok(End::Orderly) => {}
            Ok(End::Answer(bytes)) => {
                // The client may be gone; then nobody misses the answer.
                if client.write_all(&bytes).await.is_ok() {
                    client.shutdown().await.unwrap_or_default();
                    drain(&mut client).await;
                }
            }
            Ok(End::Reset) | Err(_) => reset(client),
        }
    }

    /// Ends when the faults were taken away while this connection was under one.
    async fn until_mended(&self) {
        loop {
            tokio::time::sleep(MENDED_POLL).await;
            if self.shared.script.mended() != self.mended && self.phase().fault.is_some() {
                return;
            }
        }
    }

    async fn requests(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<End> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = from.read(&mut buffer).await?;
            let Some(chunk) = buffer.get(..count).filter(|c| !c.is_empty()) else {
                to.shutdown().await?;
                return Ok(End::Orderly);
            };
            let step = self.on_request(chunk);
            if step.pass > 0 {
                to.write_all(chunk.get(..step.pass).unwrap_or(chunk)).await?;
                count_bytes(&self.shared.counters.bytes_to_server, step.pass);
            }
            if let Some(end) = step.end {
                return Ok(end);
            }
        }
    }

    async fn responses(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> io::Result<End> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = from.read(&mut buffer).await?;
            let Some(chunk) = buffer.get(..count).filter(|c| !c.is_empty()) else {
                to.shutdown().await?;
                return Ok(End::Orderly);
            };
            let step = self.on_response(chunk);
            let (now, later) = chunk.split_at_checked(step.pass).unwrap_or((chunk, &[]));
            to.write_all(now).await?;
            count_bytes(&self.shared.counters.bytes_to_client, now.len());
            if let Some(end) = step.end {
                return Ok(end);
            }
            if let Some(wait) = step.wait {
                tokio::time::sleep(wait).await;
                to.write_all(later).await?;
                count_bytes(&self.shared.counters.bytes_to_client, later.len());
            }
        }
    }

    /// Decides what becomes of bytes from the client.
    fn on_request(&self, chunk: &[u8]) -> Step {
        let mut phase = self.phase();
        if phase.server_spoke {
            phase.server_spoke = false;
            phase.request.clear();
            self.shared.counters.requests.fetch_add(1, Ordering::SeqCst);
        }
        let excess = phase.request.len().saturating_add(chunk.len());
        let excess = excess.saturating_sub(REQUEST_BYTES_MAX).min(phase.request.len());
        phase.request.drain(..excess);
        phase.request.extend_from_slice(chunk);
        if phase.fault.is_none() {
            phase.fault = self.shared.script.take(&phase.request);
            phase.passed = 0;
            if phase.fault.is_some() {
                self.shared.counters.faults.fetch_add(1, Ordering::SeqCst);
            }
        }
        match phase.fault.clone() {
            Some(Fault::Cut(Cut::BeforeRequest)) => Step::end(0, End::Reset),
            Some(Fault::Answer(bytes)) => Step::end(0, End::Answer(bytes)),
            Some(Fault::Stall) => Step::pass(0),
            Some(Fault::Cut(Cut::WithinRequest(limit))) => phase.limited(chunk, limit, End::Reset),
            _ => Step::pass(chunk.len()),
        }
    }

    /// Decides what becomes of bytes from the server.
    fn on_response(&self, chunk: &[u8]) -> Step {
        let mut phase = self.phase();
        phase.server_spoke = true;
        match phase.fault.clone() {
            Some(Fault::Cut(Cut::BeforeResponse)) => Step::end(0, End::Reset),
            Some(Fault::Stall | Fault::StallResponse) => Step::pass(0),
            Some(Fault::Cut(Cut::WithinResponse(limit))) => phase.limited(chunk, limit, End::Reset),
            Some(Fault::Truncate(limit)) => phase.limited(chunk, limit, End::Orderly),
            Some(Fault::Delay { after_bytes, wait }) => {
                let left = after_bytes.saturating_sub(phase.passed);
                phase.passed = phase.passed.saturating_add(chunk.len());
                if chunk.len() < left {
                    return Step::pass(chunk.len());
                }
                phase.fault = None;
                Step { pass: left, end: None, wait: Some(wait) }
            }
            _ => Step::pass(chunk.len()),
        }
    }
}

impl Phase {
    /// Lets bytes pass up to a limit, and ends the connection there.
    fn limited(&mut self, chunk: &[u8], limit: usize, end: End) -> Step {
        let left = limit.saturating_sub(self.passed);
        self.passed = self.passed.saturating_add(chunk.len());
        if chunk.len() < left { Step::pass(chunk.len()) } else { Step::end(left, end) }
    }
}

/// What becomes of a chunk.
struct Step {
    /// How many bytes pass now.
    pass: usize,
    /// How the connection ends after that.
    end: Option<End>,
    /// How long the rest waits.
    wait: Option<Duration>,
}

impl Step {
    fn pass(pass: usize) -> Self {
        Self { pass, end: None, wait: None }
    }

    fn end(pass: usize, end: End) -> Self {
        Self { pass, end: Some(end), wait: None }
    }
}

fn count_bytes(counter: &AtomicU64, count: usize) {
    counter.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::SeqCst);
}

/// Runs both directions; an orderly end of the client's waits for the server's.
async fn both(
    up: impl Future<Output = io::Result<End>>,
    down: impl Future<Output = io::Result<End>>,
) -> io::Result<End> {
    tokio::pin!(up, down);
    tokio::select! {
        end = &mut up => match end {
            Ok(End::Orderly) => down.await,
            end => end,
        },
        end = &mut down => end,
    }
}

/// Reads what the client still says, so that closing does not take back what it was told.
async fn drain(client: &mut TcpStream) {
    let mut buffer = [0; 1024];
    let reading = async { while client.read(&mut buffer).await.is_ok_and(|n| n > 0) {} };
    // A client that never stops has had its answer.
    drop(tokio::time::timeout(Duration::from_secs(1), reading).await);
}
