//! A store behind a connection, and an adapter that reaches it.
//!
//! The protocol is as small as can be: the client says `VERB NUMBER`, the server carries out the
//! call of that number and says `done NUMBER`. What is asked and answered is handed over beside
//! the connection, since only what the connection does to a call is of interest here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use quietus_contract::{
    Absence, Adapter, AdapterError, Cursor, DisposalOrder, Disposer, ErrorKind, Form, Inventory,
    Locator, OrderId, Outcome, Page, Probe, Record, RecordRef, ResidualCopies, Result, Retry,
    Scope, Survey, SystemConfig, Uncovered,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const DEADLINE: Duration = Duration::from_secs(1);
const ATTEMPTS_MAX: u32 = 3;
/// What the server says when it wants to be left alone for a while.
pub const LATER: &str = "later\n";

enum Question {
    Probe,
    Survey(Scope),
    Page(Scope, Option<Cursor>, usize),
    Look(Scope, Vec<Locator>),
    Verify(Scope, Vec<RecordRef>),
    Uncovered(Vec<Scope>),
    Copies(Scope, Vec<RecordRef>),
    Dispose(OrderId, Scope, Vec<RecordRef>),
}

impl Question {
    fn verb(&self) -> &'static str {
        match self {
            Self::Probe => "probe",
            Self::Survey(_) => "survey",
            Self::Page(..) => "page",
            Self::Look(..) => "look",
            Self::Verify(..) => "verify",
            Self::Uncovered(_) => "uncovered",
            Self::Copies(..) => "copies",
            Self::Dispose(..) => "dispose",
        }
    }
}

enum Answer {
    Probe(Probe),
    Survey(Survey),
    Page(Page),
    Look(Vec<Option<Record>>),
    Verify(Vec<Absence>),
    Uncovered(Vec<Uncovered>),
    Copies(ResidualCopies),
    Dispose(Vec<Outcome>),
}

/// What is handed over beside the connection.
#[derive(Default)]
struct Desk {
    questions: BTreeMap<u64, (SystemConfig, Arc<Question>)>,
    answers: BTreeMap<u64, Result<Answer>>,
    last: u64,
}

type SharedDesk = Arc<Mutex<Desk>>;

fn with<T>(desk: &SharedDesk, act: impl FnOnce(&mut Desk) -> T) -> T {
    act(&mut desk.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A server; it ends when this is dropped.
pub struct Server {
    pub address: SocketAddr,
    desk: SharedDesk,
    listening: JoinHandle<()>,
}

impl Server {
    pub async fn start(store: Arc<dyn Adapter>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, desk) = (listener.local_addr()?, SharedDesk::default());
        let shared = desk.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, store.clone(), shared.clone()));
            }
        });
        Ok(Self { address, desk, listening })
    }

    /// Makes an adapter that reaches it at another address: through a proxy.
    pub fn adapter_at(&self, address: SocketAddr, form: &'static Form) -> Arc<dyn Adapter> {
        Arc::new(Remote { address, desk: self.desk.clone(), form })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(stream: TcpStream, store: Arc<dyn Adapter>, desk: SharedDesk) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let number = line.split(' ').next_back().and_then(|n| n.parse::<u64>().ok());
        let Some(number) = number else { return };
        let asked = with(&desk, |d| d.questions.remove(&number));
        let Some((system, question)) = asked else { return };
        let answer = carry_out(&*store, &system, &question).await;
        with(&desk, |d| d.answers.insert(number, answer));
        if write.write_all(format!("done {number}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn carry_out(
    store: &dyn Adapter,
    system: &SystemConfig,
    question: &Question,
) -> Result<Answer> {
    let reader = store.open_inventory(system).await?;
    Ok(match question {
        Question::Probe => Answer::Probe(reader.probe().await?),
        Question::Survey(scope) => Answer::Survey(reader.survey(scope).await?),
        Question::Page(scope, after, limit) => {
            Answer::Page(reader.page(scope, after.as_ref(), *limit).await?)
        }
        Question::Look(scope, locators) => Answer::Look(reader.look(scope, locators).await?),
        Question::Verify(scope, records) => {
            Answer::Verify(reader.verify_absent(scope, records).await?)
        }
        Question::Uncovered(scopes) => Answer::Uncovered(reader.uncovered(scopes).await?),
        Question::Copies(scope, records) => {
            Answer::Copies(reader.residual_copies(scope, records).await?)
        }
        Question::Dispose(id, scope, records) => {
            let order = order(id.clone(), scope.clone(), records.clone());
            Answer::Dispose(store.open_disposer(system).await?.dispose(&order).await?)
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the order that came, on the other side")]
fn order(id: OrderId, scope: Scope, records: Vec<RecordRef>) -> DisposalOrder {
    DisposalOrder::from_journal(id, scope, records)
}

/// The adapter.
struct Remote {
    address: SocketAddr,
    desk: SharedDesk,
    form: &'static Form,
}

#[async_trait]
impl Adapter for Remote {
    fn form(&self) -> &'static Form {
        self.form
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        Ok(Box::new(self.client(system)))
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        Ok(Box::new(self.client(system)))
    }
}

impl Remote {
    fn client(&self, system: &SystemConfig) -> Client {
        Client { address: self.address, desk: self.desk.clone(), system: system.clone() }
    }
}

struct Client {
    address: SocketAddr,
    desk: SharedDesk,
    system: SystemConfig,
}

/// Why there is no answer.
enum Lost {
    /// Nothing left this side.
    NotSent,
    /// The server put it off: nothing was carried out.
    Later,
    /// Something left, and no whole answer came.
    NoAnswer,
    /// The server carried nothing out, and says why.
    Refused(AdapterError),
}

impl From<Lost> for AdapterError {
    fn from(lost: Lost) -> Self {
        let (kind, message) = match lost {
            Lost::Refused(error) => return error,
            Lost::NotSent => (ErrorKind::Unreachable, "the server cannot be reached"),
            Lost::Later => (ErrorKind::Unreachable, "the server asks to come back later"),
            Lost::NoAnswer => (ErrorKind::Broken, "the server's answer did not come, or broke off"),
        };
        Self::new(kind, message).with_retry(Retry::Later)
    }
}

impl Client {
    async fn ask(&self, question: Question) -> std::result::Result<Answer, Lost> {
        let question = Arc::new(question);
        let attempts = async {
            for _ in 0..ATTEMPTS_MAX {
                match self.send(question.clone()).await {
                    Err(Lost::Later) => tokio::time::sleep(Duration::from_millis(5)).await,
                    answer => return answer,
                }
            }
            Err(Lost::Later)
        };
        tokio::time::timeout(DEADLINE, attempts).await.unwrap_or(Err(Lost::NoAnswer))
    }

    async fn send(&self, question: Arc<Question>) -> std::result::Result<Answer, Lost> {
        let verb = question.verb();
        let number = with(&self.desk, |desk| {
            desk.last += 1;
            desk.questions.insert(desk.last, (self.system.clone(), question));
            desk.last
        });
        let stream = TcpStream::connect(self.address).await.map_err(|_| Lost::NotSent)?;
        let mut stream = BufReader::new(stream);
        let line = format!("{verb} {number}\n");
        let sent = stream.get_mut().write_all(line.as_bytes()).await;
        sent.map_err(|_| Lost::NoAnswer)?;
        let mut said = String::new();
        let count = stream.read_line(&mut said).await.map_err(|_| Lost::NoAnswer)?;
        if said == LATER {
            return Err(Lost::Later);
        }
        if count == 0 || said != format!("done {number}\n") {
            return Err(Lost::NoAnswer);
        }
        let answer = with(&self.desk, |desk| desk.answers.remove(&number));
        answer.ok_or(Lost::NoAnswer)?.map_err(Lost::Refused)
    }
}

/// Asks, and takes the one kind of answer that fits.
macro_rules! ask {
    ($client:expr, $question:expr, $kind:path) => {
        match $client.ask($question).await? {
            $kind(answer) => Ok(answer),
            _ => Err(Lost::NoAnswer.into()),
        }
    };
}

#[async_trait]
impl Inventory for Client {
    async fn probe(&self) -> Result<Probe> {
        ask!(self, Question::Probe, Answer::Probe)
    }

    async fn survey(&self, scope: &Scope) -> Result<Survey> {
        ask!(self, Question::Survey(scope.clone()), Answer::Survey)
    }

    async fn page(&self, scope: &Scope, after: Option<&Cursor>, limit: usize) -> Result<Page> {
        ask!(self, Question::Page(scope.clone(), after.cloned(), limit), Answer::Page)
    }

    async fn look(&self, scope: &Scope, locators: &[Locator]) -> Result<Vec<Option<Record>>> {
        ask!(self, Question::Look(scope.clone(), locators.to_vec()), Answer::Look)
    }

    async fn verify_absent(&self, scope: &Scope, records: &[RecordRef]) -> Result<Vec<Absence>> {
        ask!(self, Question::Verify(scope.clone(), records.to_vec()), Answer::Verify)
    }

    async fn uncovered(&self, scopes: &[Scope]) -> Result<Vec<Uncovered>> {
        ask!(self, Question::Uncovered(scopes.to_vec()), Answer::Uncovered)
    }

    async fn residual_copies(
        &self,
        scope: &Scope,
        records: &[RecordRef],
    ) -> Result<ResidualCopies> {
        ask!(self, Question::Copies(scope.clone(), records.to_vec()), Answer::Copies)
    }
}

#[async_trait]
impl Disposer for Client {
    async fn dispose(&self, order: &DisposalOrder) -> Result<Vec<Outcome>> {
        let (id, scope, records) = (order.id(), order.scope(), order.records());
        let question = Question::Dispose(id.clone(), scope.clone(), records.to_vec());
        let all = |outcome: Outcome| vec![outcome; records.len()];
        match self.ask(question).await {
            Ok(Answer::Dispose(outcomes)) => Ok(outcomes),
            Ok(_) | Err(Lost::NoAnswer) => Ok(all(Outcome::Indeterminate {
                reason: "the server's answer did not come, or broke off".to_owned(),
            })),
            Err(Lost::NotSent | Lost::Later) => Ok(all(Outcome::NotAttempted {
                reason: "the server carried nothing out".to_owned(),
            })),
            Err(Lost::Refused(error)) => Err(error),
        }
    }
}
