//! A TCP proxy between adapter and server that breaks connections where a script says so.
//!
//! ```text
//! script -----> which fault comes next, and what it waits for
//! connection -> relays one connection, and lets the fault happen
//! proxy ------> listens, counts, cuts off, mends
//! ```
//!
//! # Behavior
//!
//! - It knows no protocol: a request is what the client sends after the server last spoke, and a
//!   response is what the server sends after that.
//! - A fault may wait for bytes that the client sends (`DELETE`), so that it meets the disposal and
//!   not the look before it. Encryption ends this: adapters are tested in plain, on loopback.

mod connection;
mod script;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use script::{Cut, Fault, Times, Trigger};

use connection::Connection;
use script::Script;

/// Connections that are relayed at once at most; more are reset.
const CONNECTIONS_MAX: usize = 1024;

/// What went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that clients made.
    pub connections: u64,
    /// Requests: how often a client began to speak.
    pub requests: u64,
    /// Bytes that reached the server.
    pub bytes_to_server: u64,
    /// Bytes that reached clients.
    pub bytes_to_client: u64,
    /// Faults that happened.
    pub faults: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    pub requests: AtomicU64,
    pub bytes_to_server: AtomicU64,
    pub bytes_to_client: AtomicU64,
    pub faults: AtomicU64,
}

/// What proxy and connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub script: Script,
    pub counters: Counters,
    open: AtomicUsize,
    /// Counts how often everything was reset: a change ends each open connection.
    resets: watch::Sender<u64>,
}

/// A running proxy; it ends, and its connections with it, when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// Starts to listen on a free port of the loopback, in front of a server.
    pub async fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Script::default(),
            counters: Counters::default(),
            open: AtomicUsize::new(0),
            resets: watch::channel(0).0,
        });
        let listening = tokio::spawn(listen(listener, server, shared.clone()));
        Ok(Self { address, shared, listening })
    }

    /// Returns where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a fault; those that were added earlier come first.
    pub fn inject(&self, fault: Fault, trigger: Trigger, times: Times) {
        self.shared.script.add(fault, trigger, times);
    }

    /// Makes the server unreachable: resets all connections, and each new one at once.
    pub fn cut_off(&self) {
        self.shared.script.refuse(true);
        self.reset_all();
    }

    /// Resets all open connections.
    pub fn reset_all(&self) {
        self.shared.resets.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Takes all faults away; connections that one of them has touched are reset.
    pub fn mend(&self) {
        self.shared.script.clear();
        self.shared.script.refuse(false);
    }

    /// Returns what went through so far.
    pub fn counts(&self) -> Counts {
        let counters = &self.shared.counters;
        let read = |n: &AtomicU64| n.load(Ordering::SeqCst);
        Counts {
            connections: read(&counters.connections),
            requests: read(&counters.requests),
            bytes_to_server: read(&counters.bytes_to_server),
            bytes_to_client: read(&counters.bytes_to_client),
            faults: read(&counters.faults),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
        self.reset_all();
    }
}

async fn listen(listener: TcpListener, server: SocketAddr, shared: Arc<Shared>) {
    // A failed accept is one client's loss: out of descriptors, or gone already.
    loop {
        match listener.accept().await {
            Ok((client, _)) => admit(client, server, &shared),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

fn admit(client: TcpStream, server: SocketAddr, shared: &Arc<Shared>) {
    shared.counters.connections.fetch_add(1, Ordering::SeqCst);
    let open = shared.open.load(Ordering::SeqCst);
    if shared.script.refuses() || open >= CONNECTIONS_MAX {
        reset(client);
        return;
    }
    shared.open.fetch_add(1, Ordering::SeqCst);
    let resets = shared.resets.subscribe();
    let shared = shared.clone();
    tokio::spawn(async move {
        if let Ok(upstream) = TcpStream::connect(server).await {
            Connection::new(shared.clone(), resets).relay(client, upstream).await;
        } else {
            reset(client);
        }
        shared.open.fetch_sub(1, Ordering::SeqCst);
    });
}

/// Ends a connection so that the other side sees a reset, not an orderly end.
pub(crate) fn reset(stream: TcpStream) {
    // Where the option cannot be set the other side is gone already.
    stream.set_zero_linger().unwrap_or_default();
    drop(stream);
}
