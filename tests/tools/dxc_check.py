"""Compile HLSL compute shaders to DXIL with Microsoft's DXC on Linux.

    dxc_check.py LIBDXCOMPILER ENTRY FILE.hlsl...        (exit 1 if any fails, its messages printed; 2 without files)

libdxcompiler for Linux x86-64 is inside the source distribution of the PyPI package compushady 0.17.5
(compushady/backends/libdxcompiler_x86_64.so.3.7). Its COM tables carry two destructor entries after
IUnknown's three, so each interface's own methods begin at slot 5.
"""

import ctypes
import re
import sys
import uuid

FIRST = 5


def guid(text):
    return (ctypes.c_ubyte * 16)(*uuid.UUID(text).bytes_le)


COMPILER = guid("73e22d93-e6ce-47f3-b5bf-f0664f39c1b0")
ICOMPILER3 = guid("228B4687-5A6A-4730-900C-9702B2203F54")
IRESULT = guid("58346CDA-DDE7-4497-9461-6F87AF5E0659")


class DxcBuffer(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("size", ctypes.c_size_t), ("encoding", ctypes.c_uint32)]


def method(obj, slot, result, *types):
    table = ctypes.cast(obj, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p))).contents
    return lambda *args: ctypes.CFUNCTYPE(result, ctypes.c_void_p, *types)(table[slot])(obj, *args)


def profile(source):
    """Shader model 6.0, or 6.2 with 16-bit types where the source computes in half."""
    half = re.search(rb"\bhalf([234](x[234])?)?\b", source)
    return ["-T", "cs_6_2", "-enable-16bit-types"] if half else ["-T", "cs_6_0"]


def compile_hlsl(library, source, entry):
    """None, or why it does not compile."""
    create = library.DxcCreateInstance
    create.restype, create.argtypes = ctypes.c_int32, [ctypes.c_void_p] * 3
    compiler = ctypes.c_void_p()
    if create(COMPILER, ICOMPILER3, ctypes.byref(compiler)) < 0:
        return "the library makes no IDxcCompiler3"
    text = ctypes.create_string_buffer(source, len(source))
    buffer = DxcBuffer(ctypes.cast(text, ctypes.c_void_p).value, len(source), 65001)
    args = ["-E", entry, *profile(source)]
    result = ctypes.c_void_p()
    types = [ctypes.c_void_p] * 2 + [ctypes.c_uint32] + [ctypes.c_void_p] * 3
    compile_ = method(compiler, FIRST, ctypes.c_int32, *types)
    compile_(ctypes.byref(buffer), (ctypes.c_wchar_p * len(args))(*args), len(args), None, IRESULT, ctypes.byref(result))
    status, blob = ctypes.c_int32(), ctypes.c_void_p()
    method(result, FIRST, ctypes.c_int32, ctypes.c_void_p)(ctypes.byref(status))
    passed = status.value == 0
    method(result, FIRST + (1 if passed else 2), ctypes.c_int32, ctypes.c_void_p)(ctypes.byref(blob))
    data = ctypes.string_at(method(blob, FIRST, ctypes.c_void_p)(), method(blob, FIRST + 1, ctypes.c_size_t)())
    if passed:
        return None if data[:4] == b"DXBC" else "what came out is no DXIL container"
    return data.decode(errors="replace").strip("\0\n") or "DXC failed and gave no message"


def main(library, entry, *paths):
    library, failed = ctypes.CDLL(library), 0
    for path in paths:
        with open(path, "rb") as file:
            error = compile_hlsl(library, file.read(), entry)
        if error:
            failed += 1
            print(f"{path}: {error}")
    print(f"DXC: {len(paths) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
