"""What a real GPU compiler makes of the kernels, on a machine without a GPU.

Mesa's RADV compiles for AMD GPUs that are not there (RADV_FORCE_FAMILY), and says through VK_KHR_pipeline_executable_properties what came out:
registers, spills, workgroup memory, subgroups that fit a SIMD, instructions, and its own estimates of a subgroup's inverse throughput and latency in
cycles. Nothing runs. It is one vendor's compiler: it compares variants of a kernel, and says nothing about time.

    gpu_stats.py [--family navi21] FILE.spv...                      prints a line for each kernel
    gpu_stats.py --table TABLE.tsv FILE.spv...                      compares the kernels that the table lists with it as well
    gpu_stats.py --table TABLE.tsv --update FILE.spv...             writes the table anew, of the kernels that it lists

Fails where a kernel does not compile or spills registers; with a table, where a listed kernel is missing or became worse by more than a twentieth in
subgroups a SIMD, instructions or inverse throughput. A table holds for the version of Mesa that it names; under another, only spills count.
Wants Mesa's Vulkan drivers (Debian: mesa-vulkan-drivers) and the Python package `vulkan`.
"""

import argparse
import os
import struct
import sys
from pathlib import Path

FIGURES = {
    "VGPRs": "VGPRs", "Spilled VGPRs": "spilled", "Spilled SGPRs": "spilled SGPRs", "LDS size": "memory", "Subgroups per SIMD": "subgroups",
    "Instructions": "instructions", "Inverse Throughput": "throughput", "Latency": "latency",
}
# The figures that a table keeps, and whether more is better.
KEPT = {"VGPRs": None, "memory": None, "subgroups": True, "instructions": False, "throughput": False}
WORSE = 1.05


def bindings(words):
    """Descriptor set and binding of every buffer of a module, and whether it is a uniform."""
    sets, numbers, classes = {}, {}, {}
    at = 5
    while at < len(words):
        length, op = words[at] >> 16, words[at] & 0xFFFF
        if op == 71 and words[at + 2] == 34:  # OpDecorate DescriptorSet
            sets[words[at + 1]] = words[at + 3]
        elif op == 71 and words[at + 2] == 33:  # OpDecorate Binding
            numbers[words[at + 1]] = words[at + 3]
        elif op == 59:  # OpVariable; 2 is Uniform
            classes[words[at + 2]] = words[at + 3]
        at += length
    return sorted((sets[v], numbers[v], classes[v] == 2) for v in sets if v in numbers)


class Compiler:
    """RADV for one family of GPUs."""

    def __init__(self, family):
        os.environ["RADV_FORCE_FAMILY"] = family
        os.environ.setdefault("VK_DRIVER_FILES", "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json")
        os.environ.setdefault("VK_ICD_FILENAMES", os.environ["VK_DRIVER_FILES"])
        os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")
        import vulkan as vk  # reads the environment

        self.vk = vk
        application = vk.VkApplicationInfo(apiVersion=vk.VK_MAKE_VERSION(1, 3, 0))
        self.instance = vk.vkCreateInstance(vk.VkInstanceCreateInfo(pApplicationInfo=application), None)
        physical = vk.vkEnumeratePhysicalDevices(self.instance)[0]
        properties = vk.vkGetPhysicalDeviceProperties(physical)
        driver = properties.driverVersion
        self.name, self.version = properties.deviceName, f"Mesa {driver >> 22}.{driver >> 12 & 0x3FF}.{driver & 0xFFF}"
        self.device = self.logical(physical)
        self.statistics = vk.vkGetDeviceProcAddr(self.device, "vkGetPipelineExecutableStatisticsKHR")

    def logical(self, physical):
        vk = self.vk
        statistics = vk.VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR(pipelineExecutableInfo=vk.VK_TRUE)
        twelve = vk.VkPhysicalDeviceVulkan12Features(
            pNext=statistics, shaderFloat16=1, vulkanMemoryModel=1, vulkanMemoryModelDeviceScope=1, storageBuffer8BitAccess=1, shaderInt8=1
        )
        eleven = vk.VkPhysicalDeviceVulkan11Features(pNext=twelve, storageBuffer16BitAccess=1, uniformAndStorageBuffer16BitAccess=1)
        queue = vk.VkDeviceQueueCreateInfo(queueFamilyIndex=0, queueCount=1, pQueuePriorities=[1.0])
        info = vk.VkDeviceCreateInfo(
            pNext=eleven, pQueueCreateInfos=[queue], ppEnabledExtensionNames=["VK_KHR_pipeline_executable_properties"],
            pEnabledFeatures=vk.VkPhysicalDeviceFeatures(shaderInt64=1, shaderInt16=1),
        )
        return vk.vkCreateDevice(physical, info, None)

    def layout(self, found):
        vk = self.vk
        layouts = []
        for group in range(max((s for s, *_ in found), default=-1) + 1):
            entries = []
            for _, number, uniform in (f for f in found if f[0] == group):
                kind = vk.VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC if uniform else vk.VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                entries.append(
                    vk.VkDescriptorSetLayoutBinding(
                        binding=number, descriptorType=kind, descriptorCount=1, stageFlags=vk.VK_SHADER_STAGE_COMPUTE_BIT
                    )
                )
            layouts.append(vk.vkCreateDescriptorSetLayout(self.device, vk.VkDescriptorSetLayoutCreateInfo(pBindings=entries), None))
        return vk.vkCreatePipelineLayout(self.device, vk.VkPipelineLayoutCreateInfo(pSetLayouts=layouts), None)

    def figures(self, path):
        """The figures of the kernel in a file of SPIR-V with the entry point `main`."""
        vk = self.vk
        code = path.read_bytes()
        layout = self.layout(bindings(struct.unpack(f"<{len(code) // 4}I", code)))
        module = vk.vkCreateShaderModule(self.device, vk.VkShaderModuleCreateInfo(codeSize=len(code), pCode=code), None)
        stage = vk.VkPipelineShaderStageCreateInfo(stage=vk.VK_SHADER_STAGE_COMPUTE_BIT, module=module, pName="main")
        info = vk.VkComputePipelineCreateInfo(flags=vk.VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR, stage=stage, layout=layout)
        [pipeline] = vk.vkCreateComputePipelines(self.device, vk.VK_NULL_HANDLE, 1, [info], None)
        found = {}
        for row in self.statistics(self.device, vk.VkPipelineExecutableInfoKHR(pipeline=pipeline, executableIndex=0)):
            name = row.name if isinstance(row.name, str) else vk.ffi.string(row.name).decode()
            if name in FIGURES:
                found[FIGURES[name]] = int(row.value.u64)
        return found


def read(table):
    """The version of Mesa that a table names, and its figures by kernel."""
    lines = [line.split("\t") for line in table.read_text().splitlines() if line]
    version, header, rows = lines[0][0].removeprefix("# "), lines[1], lines[2:]
    return version, {row[0]: {k: int(x) for k, x in zip(header[1:], row[1:]) if x} for row in rows}


def write(table, version, rows):
    lines = [f"# {version}", "\t".join(["kernel", *KEPT])]
    lines += ["\t".join([name, *(str(figures[k]) for k in KEPT)]) for name, figures in sorted(rows.items())]
    table.write_text("\n".join(lines) + "\n")


def worse(old, new):
    """The figures in which a kernel became worse."""
    for figure, more in KEPT.items():
        if more is not None and figure in old:
            before, now = (old[figure], new[figure]) if more else (new[figure], old[figure])
            if before > WORSE * now:
                yield f"{figure} {old[figure]} -> {new[figure]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="navi21", help="navi10, navi21, vega20, polaris10, ...")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--quiet", action="store_true", help="print faults and a summary alone")
    parser.add_argument("files", nargs="+", type=Path)
    given = parser.parse_args()
    compiler = Compiler(given.family)
    print(f"{compiler.name}, {compiler.version}")
    compiled, faults = {}, []
    for path in given.files:
        try:
            compiled[path.stem] = figures = compiler.figures(path)
        except Exception as problem:  # the compiler's refusal is the result
            faults.append(f"{path.stem} does not compile: {type(problem).__name__} {problem}")
            continue
        if figures["spilled"]:
            faults.append(f"{path.stem} spills {figures['spilled']} registers")
        if not given.quiet:
            print(f"{path.stem:<48} " + "  ".join(f"{name} {figure}" for name, figure in figures.items()))
    if given.table:
        version, listed = read(given.table)
        faults += [f"{name} is in the table and was not compiled" for name in listed if name not in compiled]
        here = {name: compiled[name] for name in listed if name in compiled}
        if given.update:
            write(given.table, compiler.version, here)
        elif version == compiler.version:
            faults += [f"{name}: {what}" for name, old in listed.items() if name in here for what in worse(old, here[name])]
        else:
            print(f"the table is of {version}: its figures are not compared")
    for fault in faults:
        print(fault)
    print(f"radv, {given.family}: {max(len(given.files) - len(faults), 0)} passed, {len(faults)} failed")
    sys.exit(1 if faults else 0)


main()
