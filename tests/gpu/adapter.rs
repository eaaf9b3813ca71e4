//! The machine has an adapter to test on. `tests/run.sh` asks this before the rest.

use tapetum::gpu::adapters;

#[test]
fn an_adapter_runs_the_kernels() {
    let found = pollster::block_on(adapters());
    let names: Vec<_> = found.iter().map(|a| format!("{} ({})", a.name(), a.backend())).collect();
    println!("{}", names.join("\n"));
    assert!(found.iter().any(|a| a.usable()), "a Vulkan, Metal or DX12 adapter is expected: run tests/run.sh, which says how to get one");
}
