//! Records that are files below an enrolled root.
//!
//! ```text
//! config ----> what may be written of a system and of a holding
//! pattern ---> which paths are records, and what they say of themselves; dates, sidecar
//! root ------> the enrolled root: everything is reached through its descriptor
//! walk ------> names in a fixed order; reader makes records of them, in their state (version)
//! inventory -> the reading half
//! dispose ---> the disposing half: work goes through an order, members is for records of more
//!              than one file, claim keeps others from putting a file in between; shred
//! release ---> gives names back after an interrupted order
//! absence ---> what a separate read finds
//! residual --> where copies survive; strength: what the medium makes of it all
//! ```
//!
//! # Behavior
//!
//! - A record is a regular file. Links, devices, sockets and pipes never are; folders are never
//!   removed.
//! - Nothing is reached by a path from the top: every folder is opened beneath the root's
//!   descriptor, without links and without crossing a mount (`openat2`). A kernel without it is
//!   refused.
//! - Names are bytes. In a locator, bytes that are not UTF-8 and the percent sign are `%XX`.

mod absence;
mod claim;
mod config;
mod dates;
mod dispose;
mod error;
mod inventory;
mod members;
mod names;
mod pattern;
mod reader;
mod release;
mod residual;
mod root;
mod shred;
mod sidecar;
mod strength;
mod version;
mod walk;
mod work;

use async_trait::async_trait;
use quietus_contract::{Adapter, Disposer, Form, Inventory, Result, SystemConfig};

use crate::dispose::Remover;
use crate::inventory::FileTree;

/// The adapter for file trees.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filesystem;

#[async_trait]
impl Adapter for Filesystem {
    fn form(&self) -> &'static Form {
        &config::FORM
    }

    async fn open_inventory(&self, system: &SystemConfig) -> Result<Box<dyn Inventory>> {
        Ok(Box::new(FileTree::open(system)?))
    }

    async fn open_disposer(&self, system: &SystemConfig) -> Result<Box<dyn Disposer>> {
        Ok(Box::new(Remover::open(system)?))
    }
}
