//! The shared suite, over file trees: dates by mtime, dates in sidecars, and overwriting.

#[cfg(test)]
#[path = "conformance/bed.rs"]
mod bed;
#[cfg(test)]
#[path = "conformance/killed.rs"]
mod killed;
#[cfg(test)]
#[path = "conformance/target.rs"]
mod target;

#[cfg(test)]
mod suite {
    use quietus_conformance::{Lie, assert_conformant, is_caught};

    use crate::bed::TreeBed;
    use crate::killed::carry_out_as_child;

    #[tokio::test]
    async fn files_dated_by_mtime_are_conformant() {
        assert_conformant(&TreeBed { sidecar: false, shred: false }).await;
    }

    #[tokio::test]
    async fn files_dated_by_sidecars_are_conformant() {
        assert_conformant(&TreeBed { sidecar: true, shred: false }).await;
    }

    #[tokio::test]
    async fn files_that_are_overwritten_are_conformant() {
        assert_conformant(&TreeBed { sidecar: true, shred: true }).await;
    }

    /// Run again as a process of its own, to be killed within an order.
    #[tokio::test]
    async fn child_that_is_killed() {
        carry_out_as_child().await;
    }

    #[tokio::test]
    async fn the_bed_gives_the_cases_something_to_bite_on() {
        for (lie, case) in [
            (Lie::VersionBlind, "dispose/changed_record_stays"),
            (Lie::VersionBlind, "dispose/equal_record_made_anew_survives"),
            (Lie::OverReach, "dispose/exactly_the_order_goes"),
            (Lie::NeighbourTaker, "page/neighbours_never_appear"),
            (Lie::ReadOnlyWriter, "probe/reading_writes_nothing"),
            (Lie::FirstImpression, "probe/copy_in_its_place_is_another_target"),
        ] {
            let caught = is_caught(&TreeBed { sidecar: true, shred: false }, lie, case).await;
            assert!(caught, "{lie:?} escapes {case}");
        }
    }
}
