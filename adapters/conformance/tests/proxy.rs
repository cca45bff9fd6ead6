//! Each fault does what its name says, seen from the client and from the server.

#![cfg(test)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use quietus_conformance::proxy::{Cut, Fault, Proxy, Times, Trigger};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A server that carries out lines: it notes each, and answers `done: LINE`.
struct Server {
    address: SocketAddr,
    carried_out: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried_out: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = carried_out.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone()));
            }
        });
        Self { address, carried_out }
    }

    /// Waits until so many lines were carried out, and returns all.
    async fn lines(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            if self.carried_out.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.carried_out.lock().unwrap().clone()
    }

    /// Waits a moment, and returns all lines: for what must not arrive.
    async fn lines_in_the_end(&self) -> Vec<String> {
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.carried_out.lock().unwrap().clone()
    }
}

async fn serve(stream: TcpStream, noted: Arc<Mutex<Vec<String>>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        noted.lock().unwrap().push(line.clone());
        if write.write_all(format!("done: {line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(proxy: &Proxy) -> Self {
        Self(BufReader::new(TcpStream::connect(proxy.address()).await.unwrap()))
    }

    async fn ask(&mut self, line: &str) -> std::io::Result<String> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        self.0.read_line(&mut answer).await?;
        Ok(answer)
    }

    async fn ask_for(&mut self, line: &str, wait: Duration) -> Option<std::io::Result<String>> {
        tokio::time::timeout(wait, self.ask(line)).await.ok()
    }
}

async fn both() -> (Server, Proxy) {
    let server = Server::start().await;
    let proxy = Proxy::start(server.address).await.unwrap();
    (server, proxy)
}

fn is_reset(answer: std::io::Result<String>) -> bool {
    answer.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn without_a_fault_everything_passes() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    for n in 0..3 {
        assert_eq!(client.ask(&format!("line {n}")).await.unwrap(), format!("done: line {n}\n"));
    }
    assert_eq!(server.lines(3).await, ["line 0", "line 1", "line 2"]);
    let counts = proxy.counts();
    assert_eq!((counts.connections, counts.requests, counts.faults), (1, 3, 0));
    assert_eq!((counts.bytes_to_server, counts.bytes_to_client), (21, 39));
}

#[tokio::test]
async fn large_amounts_pass_in_both_directions_at_once() {
    let (_server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    let line = "x".repeat(3_000_000);
    assert_eq!(client.ask(&line).await.unwrap().len(), line.len() + 7);
}

#[tokio::test]
async fn cut_before_request_reaches_no_server() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::Cut(Cut::BeforeRequest), Trigger::NextRequest, Times::Once);
    assert!(is_reset(client.ask("gone").await));
    assert!(server.lines_in_the_end().await.is_empty());
    let mut next = Client::connect(&proxy).await;
    assert_eq!(next.ask("again").await.unwrap(), "done: again\n");
}

#[tokio::test]
async fn cut_within_request_passes_a_part() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::Cut(Cut::WithinRequest(3)), Trigger::NextRequest, Times::Once);
    assert!(is_reset(client.ask("abcdef").await));
    assert_eq!(proxy.counts().bytes_to_server, 3);
    // The server sees a line that broke off, and carries it out: that is its protocol's fault.
    assert_eq!(server.lines(1).await, ["abc"]);
}

#[tokio::test]
async fn cut_before_response_is_carried_out_and_not_heard() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    client.ask("first").await.unwrap();
    proxy.inject(Fault::Cut(Cut::BeforeResponse), Trigger::NextRequest, Times::Once);
    assert!(is_reset(client.ask("lost").await));
    assert_eq!(server.lines(2).await, ["first", "lost"]);
}

#[tokio::test]
async fn cut_within_response_lets_its_beginning_pass() {
    let (_server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::Cut(Cut::WithinResponse(4)), Trigger::NextRequest, Times::Once);
    let answer = client.ask("half").await;
    assert!(answer.is_err() || answer.is_ok_and(|a| a.len() <= 4));
    assert_eq!(proxy.counts().bytes_to_client, 4);
}

#[tokio::test]
async fn truncated_response_ends_in_an_orderly_way() {
    let (_server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::Truncate(6), Trigger::NextRequest, Times::Once);
    assert_eq!(client.ask("short").await.unwrap(), "done: ");
    let mut rest = Vec::new();
    assert_eq!(client.0.read_to_end(&mut rest).await.unwrap(), 0);
}

#[tokio::test]
async fn stall_is_silent_until_it_is_mended() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::Stall, Trigger::NextRequest, Times::Always);
    assert!(client.ask_for("silence", Duration::from_millis(80)).await.is_none());
    assert!(server.lines_in_the_end().await.is_empty());
    proxy.mend();
    let mut answer = String::new();
    let ended = client.0.read_line(&mut answer).await;
    assert!(is_reset(ended.map(|_| answer)), "a stalled connection is reset when mended");
    let mut next = Client::connect(&proxy).await;
    assert_eq!(next.ask("again").await.unwrap(), "done: again\n");
}

#[tokio::test]
async fn stalled_response_is_carried_out() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    proxy.inject(Fault::StallResponse, Trigger::NextRequest, Times::Once);
    assert!(client.ask_for("unheard", Duration::from_millis(80)).await.is_none());
    assert_eq!(server.lines(1).await, ["unheard"]);
    assert_eq!(proxy.counts().bytes_to_client, 0);
}

#[tokio::test]
async fn delay_comes_after_so_many_bytes() {
    let (_server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    let wait = Duration::from_millis(800);
    proxy.inject(Fault::Delay { after_bytes: 4, wait }, Trigger::NextRequest, Times::Once);
    let started = Instant::now();
    client.0.get_mut().write_all(b"slow\n").await.unwrap();
    let mut first = [0; 4];
    client.0.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"done");
    assert!(started.elapsed() < wait, "the beginning waited as well");
    let mut rest = String::new();
    client.0.read_line(&mut rest).await.unwrap();
    assert_eq!(rest, ": slow\n");
    assert!(started.elapsed() >= wait);
    assert_eq!(client.ask("then").await.unwrap(), "done: then\n");
}

#[tokio::test]
async fn answer_in_the_servers_place_reaches_no_server() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    let answer = Fault::Answer(b"503 later\n".to_vec());
    proxy.inject(answer, Trigger::NextRequest, Times::Once);
    assert_eq!(client.ask("please").await.unwrap(), "503 later\n");
    assert!(server.lines_in_the_end().await.is_empty());
}

#[tokio::test]
async fn fault_waits_for_the_bytes_that_it_is_aimed_at() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    let aim = Trigger::RequestWith(b"DELETE".to_vec());
    proxy.inject(Fault::Cut(Cut::BeforeResponse), aim, Times::Once);
    assert_eq!(client.ask("SELECT").await.unwrap(), "done: SELECT\n");
    // The aim is met across two packets as well.
    client.0.get_mut().write_all(b"DEL").await.unwrap();
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(is_reset(client.ask("ETE 1").await));
    assert_eq!(server.lines(2).await, ["SELECT", "DELETE 1"]);
    assert_eq!(proxy.counts().faults, 1);
}

#[tokio::test]
async fn cut_off_resets_open_and_new_connections() {
    let (server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    client.ask("first").await.unwrap();
    proxy.cut_off();
    assert!(client.ask("second").await.map_or(true, |a| a.is_empty()));
    let mut next = Client::connect(&proxy).await;
    assert!(next.ask("third").await.map_or(true, |a| a.is_empty()));
    proxy.mend();
    let mut after = Client::connect(&proxy).await;
    assert_eq!(after.ask("fourth").await.unwrap(), "done: fourth\n");
    assert_eq!(server.lines(2).await, ["first", "fourth"]);
}

#[tokio::test]
async fn faults_come_in_their_order_and_once_each() {
    let (_server, proxy) = both().await;
    proxy.inject(Fault::Answer(b"one\n".to_vec()), Trigger::NextRequest, Times::Once);
    proxy.inject(Fault::Answer(b"two\n".to_vec()), Trigger::NextRequest, Times::Once);
    for expected in ["one\n", "two\n", "done: x\n"] {
        let mut client = Client::connect(&proxy).await;
        assert_eq!(client.ask("x").await.unwrap(), expected);
    }
}

#[tokio::test]
async fn proxy_ends_with_its_handle() {
    let (_server, proxy) = both().await;
    let mut client = Client::connect(&proxy).await;
    client.ask("first").await.unwrap();
    let address = proxy.address();
    drop(proxy);
    assert!(client.ask("second").await.map_or(true, |a| a.is_empty()));
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert!(TcpStream::connect(address).await.is_err());
}
