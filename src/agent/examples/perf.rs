use quietus::{
    adapters::Adapters,
    agent::Agent,
    clock::SystemClock,
    durable::Durable,
    execution::{self, Request},
    keys::AgentKeys,
    programme::{self, Folder},
    progress::Watch,
};
struct T(std::time::Instant, std::sync::Mutex<String>);
impl Watch for T {
    fn step(&self, stage: &str, done: u64, total: Option<u64>) {
        let mut l = self.1.lock().unwrap();
        let key = stage.split(' ').next().unwrap().to_string();
        if *l != key {
            eprintln!("{:.3} {stage} {done} {total:?}", self.0.elapsed().as_secs_f64());
            *l = key;
        }
    }
}
fn main() {
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let adapters = Adapters::built_in();
    if !dir.join("keys").exists() {
        let d = Durable::new();
        d.create_dir(&dir.join("keys")).unwrap();
        AgentKeys::create(&d, &dir.join("keys"), "records.example.org/agent-1").unwrap();
    }
    let loaded = programme::load(&Folder::new(&dir), &adapters.forms()).unwrap();
    let agent = Agent {
        loaded: &loaded,
        adapters: &adapters,
        durable: Durable::new(),
        clock: &SystemClock,
    };
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let t = std::time::Instant::now();
    let out = rt
        .block_on(execution::run(
            &agent,
            Request { as_of: None, plan: None },
            &T(t, Default::default()),
        ))
        .unwrap();
    eprintln!("total {:.3}", t.elapsed().as_secs_f64());
    println!("{}", serde_json::to_string(&out.runs).unwrap());
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    for l in s.lines().filter(|l| l.starts_with("VmHWM")) {
        eprintln!("{l}");
    }
}
