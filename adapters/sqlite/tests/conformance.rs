//! The shared suite, over databases with a rollback journal and with a write-ahead log.

#[cfg(test)]
#[path = "conformance/bed.rs"]
mod bed;

#[cfg(test)]
mod suite {
    use quietus_conformance::{Lie, assert_conformant, is_caught};

    use crate::bed::{SqliteBed, carry_out_as_child};

    #[tokio::test]
    async fn sqlite_with_a_rollback_journal_is_conformant() {
        assert_conformant(&SqliteBed { write_ahead: false }).await;
    }

    #[tokio::test]
    async fn sqlite_with_a_write_ahead_log_is_conformant() {
        assert_conformant(&SqliteBed { write_ahead: true }).await;
    }

    #[tokio::test]
    async fn the_bed_gives_the_cases_something_to_bite_on() {
        for (lie, case) in [
            (Lie::VersionBlind, "dispose/changed_record_stays"),
            (Lie::OverReach, "dispose/exactly_the_order_goes"),
        ] {
            let caught = is_caught(&SqliteBed { write_ahead: false }, lie, case).await;
            assert!(caught, "{lie:?} escapes {case}");
        }
    }

    /// Run again as a process of its own, to be killed within an order.
    #[tokio::test]
    async fn child_that_is_killed() {
        carry_out_as_child().await;
    }
}
