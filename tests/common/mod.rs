//! Parts that tests share: expected values, the adapter they run on, and temporary folders.

// Each test target uses only some of these items.
#![allow(dead_code)]

pub mod folder;
pub mod golden;
pub mod image;

use tapetum::Device;
use tapetum::gpu::Options;

/// The adapter that the environment names, or any, software included: tests fail where there is none.
pub fn gpu() -> Device {
    Device::gpu(&Options { software: true, ..Options::from_env() })
        .expect("a Vulkan, Metal or DX12 adapter: run tests/run.sh, which says how to get one")
}
