"""Series of an atlas' regions in images on other grids, by nilearn's NiftiLabelsMasker and NiftiMapsMasker: atlases.json.

    python tests/goldens/make_atlases.py        (nilearn 0.14, nibabel 5, numpy 2, scipy 1.17)
"""

import base64
import gzip
import json
import warnings
from pathlib import Path

import nibabel
import numpy
from nilearn.image import resample_img
from nilearn.maskers import NiftiLabelsMasker, NiftiMapsMasker
from scipy.ndimage import affine_transform

warnings.simplefilter("ignore")
random = numpy.random.default_rng(11)
frames = 4
shape = (6, 5, 4)


def affine(matrix, offset):
    out = numpy.eye(4)
    out[:3, :3], out[:3, 3] = matrix, offset
    # As a header in single precision holds it.
    return out.astype("float32").astype("float64")


def rotation(x, y, z):
    def about(axis, angle):
        i, j = [k for k in range(3) if k != axis]
        out = numpy.eye(3)
        out[i, i] = out[j, j] = numpy.cos(angle)
        out[i, j], out[j, i] = -numpy.sin(angle), numpy.sin(angle)
        return out

    return about(0, x) @ about(1, y) @ about(2, z)


def image(data, where):
    return nibabel.Nifti1Image(data, where)


def encoded(made):
    return base64.b64encode(gzip.compress(made.to_bytes(), mtime=0)).decode()


# The atlas whose voxels at the border lie at the image's to within rounding. nilearn gives 0 for those that rounding puts 1e-16 of a voxel
# outside; expected is what SciPy gives where the map between both grids is rounded to what it is.
ROUNDED = {"a smaller atlas within"}


def on_grid(atlas, of_image, order):
    """What nilearn's resampling does, by a map that is rounded to 12 decimals."""
    between = numpy.linalg.inv(atlas.affine) @ of_image
    between = between.round(12)
    data = numpy.asarray(atlas.dataobj)
    frames = data[..., None] if data.ndim == 3 else data
    taken = [
        affine_transform(frames[..., i], between[:3, :3], offset=between[:3, 3], output_shape=shape, order=order)
        for i in range(frames.shape[3])
    ]
    return image(taken[0] if data.ndim == 3 else numpy.stack(taken, -1), of_image)


def resampled(name, atlas, of_image, interpolation):
    rounded = on_grid(atlas, of_image, {"nearest": 0, "linear": 1}[interpolation])
    by_nilearn = resample_img(atlas, target_affine=of_image, target_shape=shape, interpolation=interpolation)
    same = numpy.allclose(rounded.get_fdata(), by_nilearn.get_fdata(), rtol=0, atol=1e-9)
    assert same != (name in ROUNDED), name
    return rounded if name in ROUNDED else atlas


straight = affine(numpy.diag([3.0, 3.0, 3.5]), [-8.0, -7.0, -5.0])
oblique = affine(rotation(0.2, -0.1, 0.3) @ numpy.diag([-3.0, 2.8, 3.5]), [9.0, -8.0, -4.0])
grids = {
    "the same grid": (straight, straight, shape),
    "oblique image": (oblique, straight, (8, 6, 5)),
    "oblique atlas of smaller voxels": (straight, affine(rotation(-0.3, 0.15, 0.1) * 2.0, [-11.0, -4.0, -6.0]), (11, 9, 8)),
    "flipped": (straight, affine(numpy.diag([-3.0, 3.0, -3.5]), [7.0, -7.0, 5.5]), shape),
    "axes in another order": (straight, affine(numpy.array([[0, 0, 3.0], [3.0, 0, 0], [0, 3.5, 0]]), [-8.0, -7.0, -5.0]), (5, 4, 6)),
    "half a voxel ahead": (straight, affine(numpy.diag([3.0, 3.0, 3.5]), [-6.5, -5.5, -3.25]), shape),
    "half a voxel behind": (straight, affine(numpy.diag([3.0, 3.0, 3.5]), [-9.5, -8.5, -6.75]), shape),
    "half a voxel, flipped": (straight, affine(numpy.diag([-3.0, 3.0, 3.5]), [8.5, -8.5, -5.0]), shape),
    "voxels of half the size": (straight, affine(numpy.diag([1.5, 1.5, 1.75]), [-8.75, -7.75, -5.875]), (12, 10, 8)),
    "larger voxels and fewer": (straight, affine(numpy.diag([5.0, 4.0, 6.0]), [-6.2, -4.1, -4.3]), (3, 3, 2)),
    "a smaller atlas within": (straight, affine(numpy.diag([3.0, 3.0, 3.5]), [-5.0, -4.0, -1.5]), (3, 2, 2)),
    "a larger atlas around": (straight, affine(numpy.diag([3.0, 3.0, 3.5]), [-14.0, -13.0, -12.0]), (10, 9, 8)),
}

# Whole numbers, and weights in 32nds, take little room.
images = {
    where: image(random.normal(100, 20, (*shape, frames)).round().astype("int16"), of)
    for where, of in {"straight": straight, "oblique": oblique}.items()
}
labels, maps = {}, {}
for name, (of_image, of_atlas, extents) in grids.items():
    where = "straight" if of_image is straight else "oblique"
    series = images[where]
    atlas = image((random.integers(0, 7, extents) * 3).astype("int16"), of_atlas)
    masker = NiftiLabelsMasker(resampled(name, atlas, of_image, "nearest"), resampling_target="data", standardize=False)
    found = masker.fit_transform(series)
    ids = [int(masker.region_ids_[i]) for i in range(found.shape[1])]
    every = [int(label) for label in numpy.unique(numpy.asarray(atlas.dataobj)) if label]
    labels[name] = {
        "image": where,
        "atlas": encoded(atlas),
        "labels": every,
        "values": [found[:, ids.index(label)].tolist() if label in ids else None for label in every],
    }
    if name in ("half a voxel behind", "half a voxel, flipped", "axes in another order", "a larger atlas around"):
        continue
    # Maps of which some weights are below 0, as independent components have them.
    weights = random.normal(0.3, 1, (*extents, 3)) * (random.uniform(0, 1, (*extents, 3)) > 0.6)
    weights = (32 * weights).round() / 32
    atlas = image(weights, of_atlas)
    masker = NiftiMapsMasker(resampled(name, atlas, of_image, "linear"), resampling_target="data", standardize=False)
    fitted = masker.fit_transform(series)
    positive = image(numpy.abs(weights), of_atlas)
    taken = resampled(name, positive, of_image, "linear")
    taken = resample_img(taken, target_affine=of_image, target_shape=shape, interpolation="linear")
    share = numpy.asarray(taken.dataobj)
    share = share / share.sum((0, 1, 2))
    maps[name] = {
        "image": where,
        "atlas": encoded(atlas),
        "least squares": fitted.T.tolist(),
        "positive": encoded(positive),
        "weighted means": numpy.einsum("xyzt,xyzm->mt", numpy.asarray(series.dataobj), share).tolist(),
    }

# Voxels outside what was imaged are NaN at every frame: the mean is over the others, and a region of such voxels alone has none.
data = random.normal(100, 20, (*shape, frames)).round()
atlas = random.integers(1, 5, shape).astype("int16")
data[0, :, :] = numpy.nan
data[atlas == 2] = numpy.nan
means = [data[atlas == label] for label in (1, 2, 3, 4)]
means = [None if numpy.isnan(m).all() else numpy.nanmean(m, 0).tolist() for m in means]
weights = (32 * random.uniform(0.1, 1, (*shape, 3))).round() / 32
inside = ~numpy.isnan(data[..., 0])
outside = {
    "image": encoded(image(data, straight)),
    "atlas": encoded(image(atlas, straight)),
    "values": means,
    "maps": encoded(image(weights, straight)),
    "least squares": numpy.linalg.lstsq(weights[inside], data[inside], rcond=None)[0].tolist(),
    "weighted means": (data[inside].T @ (weights[inside] / weights[inside].sum(0))).T.tolist(),
}

out = {"images": {where: encoded(made) for where, made in images.items()}, "labels": labels, "maps": maps, "outside": outside}
Path(__file__).with_name("atlases.json").write_text(json.dumps(out) + "\n")
