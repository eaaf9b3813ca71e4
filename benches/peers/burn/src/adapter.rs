//! The adapter that tapetum would take, as burn names it.

use burn::backend::wgpu::WgpuDevice;
use wgpu::DeviceType;

/// The Vulkan adapter whose name contains `asked`, whatever its case, or for `auto` the best: a GPU before a CPU under Vulkan.
pub fn choose(asked: &str) -> Result<(WgpuDevice, String), String> {
    let descriptor =
        wgpu::InstanceDescriptor { backends: wgpu::Backends::VULKAN, ..wgpu::InstanceDescriptor::new_without_display_handle() };
    let instance = wgpu::Instance::new(descriptor);
    let all: Vec<_> = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::VULKAN)).iter().map(|a| a.get_info()).collect();
    let rank = |t: DeviceType| {
        [DeviceType::DiscreteGpu, DeviceType::IntegratedGpu, DeviceType::VirtualGpu, DeviceType::Cpu].iter().position(|&k| k == t)
    };
    let found = match asked {
        "auto" => (0..all.len()).filter(|&i| rank(all[i].device_type).is_some()).min_by_key(|&i| rank(all[i].device_type)),
        name => all.iter().position(|a| a.name.to_lowercase().contains(&name.to_lowercase())),
    };
    let names = || all.iter().map(|a| a.name.as_str()).collect::<Vec<_>>().join("; ");
    let at = found.ok_or_else(|| format!("no Vulkan adapter `{asked}`; there are: {}", names()))?;
    // burn counts the adapters of each kind.
    let place = all[..at].iter().filter(|a| a.device_type == all[at].device_type).count();
    let device = match all[at].device_type {
        DeviceType::DiscreteGpu => WgpuDevice::DiscreteGpu(place),
        DeviceType::IntegratedGpu => WgpuDevice::IntegratedGpu(place),
        DeviceType::VirtualGpu => WgpuDevice::VirtualGpu(place),
        DeviceType::Cpu if place == 0 => WgpuDevice::Cpu,
        _ => return Err(format!("burn has no name for the adapter `{}`", all[at].name)),
    };
    Ok((device, all[at].name.clone()))
}
