"""Small images, an atlas of labels and one of maps as nibabel writes them, and what NumPy makes of them: images.json.

    python tests/goldens/make_images.py        (nibabel 5, numpy 2)
"""

import base64
import gzip
import json
from pathlib import Path

import nibabel
import numpy

shape, frames = (5, 4, 3), 6
random = numpy.random.default_rng(7)
affine = numpy.array([[-3.0, 0.1, 0.0, 90.0], [0.2, 3.0, -0.1, -126.0], [0.0, 0.1, 3.5, -72.0], [0, 0, 0, 1]])
values = random.normal(100, 20, (*shape, frames))
labels = random.integers(0, 4, shape) * 5
maps = random.uniform(0, 1, (*shape, 2)) * (random.uniform(0, 1, (*shape, 2)) > 0.4)


def encoded(image, zipped=False):
    data = image.to_bytes()
    return base64.b64encode(gzip.compress(data, mtime=0) if zipped else data).decode()


def case(image, zipped=False):
    """An image, where its voxels lie, and what it holds, frames slowest and x fastest."""
    read = nibabel.Nifti1Image.from_bytes(image.to_bytes())
    data = read.get_fdata()
    return {
        "file": encoded(image, zipped),
        "zipped": zipped,
        "extents": list(data.shape) + [1] * (4 - data.ndim),
        "affine": read.affine[:3].tolist(),
        "values": data.flatten(order="F").tolist(),
    }


def image(data, dtype, sform=True, slope=None, order="<"):
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(dtype)
    made = nibabel.Nifti1Image(data, affine if sform else None, header)
    if not sform:
        made.header.set_qform(affine, code=1, strip_shears=True)
        made.header.set_sform(None, code=0)
        made = nibabel.Nifti1Image(data, None, made.header)
    if slope:
        made.header.set_slope_inter(*slope)
    return made


series = image(values.astype("float32"), "float32")
data = series.get_fdata()
weights = nibabel.Nifti1Image.from_bytes(image(maps.astype("float32"), "float32").to_bytes()).get_fdata()
out = {
    "images": {
        "float32": case(series),
        "float64 zipped": case(image(values, "float64"), zipped=True),
        "int16 scaled": case(image(values, "int16", slope=(0.01, 50.0))),
        "uint8, quaternion": case(image(labels.astype("uint8"), "uint8", sform=False)),
        "int16, big endian": case(image(labels.astype("int16"), "int16", order=">")),
    },
    "labels": encoded(image(labels.astype("int16"), "int16"), zipped=True),
    "of labels": [data[labels == label].mean(0).tolist() for label in (5, 10, 15)],
    "maps": encoded(image(maps.astype("float32"), "float32")),
    "of maps": [
        (data * weights[..., i : i + 1]).sum((0, 1, 2)).__truediv__(weights[..., i].sum()).tolist() for i in range(2)
    ],
}
Path(__file__).with_name("images.json").write_text(json.dumps(out) + "\n")
