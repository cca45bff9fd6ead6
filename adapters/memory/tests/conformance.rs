//! The reference adapter passes everything, and nothing is left out.

use quietus_conformance::{MemoryBed, Verdict, assert_conformant, run};

#[tokio::test(start_paused = true)]
async fn memory_is_conformant() {
    assert_conformant(&MemoryBed { transactional: false }).await;
}

#[tokio::test(start_paused = true)]
async fn transactional_memory_is_conformant() {
    assert_conformant(&MemoryBed { transactional: true }).await;
}

#[tokio::test(start_paused = true)]
async fn only_links_and_schema_do_not_apply_to_memory() {
    let report = run(&MemoryBed { transactional: false }).await;
    let left_out: Vec<&str> = report
        .cases
        .iter()
        .filter(|c| matches!(c.verdict, Verdict::NotApplicable(_)))
        .map(|c| c.name)
        .collect();
    assert_eq!(
        left_out,
        ["survey/unknown_source_or_field_is_an_error", "page/links_are_not_followed"]
    );
}
