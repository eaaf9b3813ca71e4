//! What tests share: expected values, the adapter they run on, folders of their own.

// Each target uses a part of it.
#![allow(dead_code)]

pub mod folder;
pub mod golden;

use tapetum::Device;
use tapetum::gpu::Options;

/// The adapter that the environment names, or any, software included: tests fail where there is none.
pub fn gpu() -> Device {
    Device::gpu(&Options { software: true, ..Options::from_env() })
        .expect("a Vulkan, Metal or DX12 adapter: run tests/run.sh, which says how to get one")
}
