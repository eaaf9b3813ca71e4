//! The header of a NIfTI image, version 1 or 2, in either order of bytes (<https://nifti.nimh.nih.gov>: nifti1.h, nifti2.h).

use super::super::numbers::{Element, Kind, Stored};

/// Bytes of the headers by their version; each states its own length in its first four.
const LENGTHS: [usize; 2] = [348, 540];

/// The length of the longest header in bytes.
pub(in super::super) const LONGEST: usize = LENGTHS[1];

/// Intents of images that are read: none, statistics, an estimate, labels, names of structures, a time series.
const ALLOWED: &str = "0, 2 to 24, 1001 to 1003 and 2001";

/// Other intents that images have.
const OTHERS: [(i64, &str); 9] = [
    (1004, "matrices"),
    (1005, "symmetric matrices"),
    (1006, "displacements"),
    (1007, "vectors"),
    (1008, "points"),
    (1009, "triangles"),
    (1010, "quaternions"),
    (2003, "colours"),
    (2004, "colours"),
];

/// The fields of a header that are needed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    /// Voxels along x, y and z, and frames (or maps).
    pub(super) extents: [usize; 4],
    pub(super) affine: [[f64; 4]; 3],
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
    /// The offset of the first value in the file, in bytes.
    pub(super) start: usize,
    /// The slope by which each stored value is multiplied, and the intercept that is added afterwards.
    pub(super) scale: Option<[f64; 2]>,
    /// The distance from frame to frame, in `unit`; 0 where the header states none.
    pub(super) spacing: f64,
    pub(super) unit: Unit,
}

/// The unit of the fourth axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    /// The header states no unit.
    Unstated,
    /// A unit of other things than time: hertz, parts per million, radians per second.
    Other,
}

impl Header {
    /// The header of an image from the first bytes of its file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields = Fields::of(bytes)?;
        fields.check_intent()?;
        let extents = fields.extents()?;
        let count = extents.iter().try_fold(16usize, |product, &n| product.checked_mul(n));
        count.ok_or_else(|| format!("an image of {extents:?} values does not fit in memory"))?;
        Ok(Self {
            extents,
            affine: fields.affine(),
            kind: fields.kind()?,
            big_endian: fields.big_endian,
            start: fields.start()?,
            scale: fields.scale(),
            spacing: fields.spacing(),
            unit: fields.unit(),
        })
    }

    /// Bytes of the values.
    pub(super) fn bytes(&self) -> usize {
        self.extents.iter().product::<usize>() * self.kind.bytes()
    }

    /// Voxels of a frame.
    pub(super) fn voxels(&self) -> usize {
        self.extents[..3].iter().product()
    }

    /// Bytes of a frame's values.
    pub(super) fn frame_bytes(&self) -> usize {
        self.voxels() * self.kind.bytes()
    }

    /// Stored values in double precision, scaled as the header says.
    pub(super) fn decoded(&self, bytes: &[u8]) -> Vec<f64> {
        let mut values = Stored { kind: self.kind, big_endian: self.big_endian, bytes }.doubles();
        if let Some([slope, offset]) = self.scale {
            values.iter_mut().for_each(|v| *v = *v * slope + offset);
        }
        values
    }
}

/// A header's bytes, by the names and places of the standard's structures.
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    second: bool,
    pub(super) big_endian: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, String> {
        const NONE: &str = "a NIfTI image expected: its header's first four bytes state no length of 348 or 540";
        let stated = bytes.get(..4).ok_or("a NIfTI image expected: shorter than a header")?;
        let is = |big: bool, version: usize| usize::try_from(i32::decode(stated, big)) == Ok(LENGTHS[version]);
        let orders = [(false, 0), (true, 0), (false, 1), (true, 1)];
        let (big_endian, version) = orders.into_iter().find(|&(big, version)| is(big, version)).ok_or(NONE)?;
        let bytes = bytes.get(..LENGTHS[version]).ok_or("a NIfTI image expected: cut short within its header")?;
        let magic = if version == 1 { &bytes[4..8] } else { &bytes[344..348] };
        match magic {
            b"n+1\0" | b"n+2\0" => Ok(Self { bytes, second: version == 1, big_endian }),
            b"ni1\0" | b"ni2\0" => Err("the header of a pair .hdr and .img: one file with both, .nii or .nii.gz, is read".into()),
            _ if version == 0 => Err("an ANALYZE 7.5 header, or another without NIfTI's magic bytes: a NIfTI image expected".into()),
            _ => Err("a NIfTI image expected: NIfTI-2's magic bytes are missing".into()),
        }
    }

    /// A field by its places in both versions.
    fn get<T: Element>(&self, at: usize) -> T {
        T::decode(&self.bytes[at..at + size_of::<T>()], self.big_endian)
    }

    /// An integer that has two bytes in the first version, and four or eight in the second.
    pub(super) fn whole(&self, [first, second]: [usize; 2], wide: bool) -> i64 {
        match (self.second, wide) {
            (false, _) => self.get::<i16>(first).into(),
            (true, false) => self.get::<i32>(second).into(),
            (true, true) => self.get::<i64>(second),
        }
    }

    /// A real number that has four bytes in the first version and eight in the second.
    fn real(&self, [first, second]: [usize; 2]) -> f64 {
        if self.second { self.get::<f64>(second) } else { self.get::<f32>(first).into() }
    }

    fn reals<const N: usize>(&self, [first, second]: [usize; 2]) -> [f64; N] {
        std::array::from_fn(|i| self.real([first + 4 * i, second + 8 * i]))
    }

    /// Refuses images whose intent says that their values are more than numbers at voxels.
    fn check_intent(&self) -> Result<(), String> {
        let intent = self.whole([68, 504], false);
        match intent {
            0 | 2..=24 | 1001..=1003 | 2001 => Ok(()),
            3000..=3099 => {
                Err(format!("a CIFTI file (intent {intent}), whose values lie on grayordinates or parcels: an image of voxels is expected"))
            }
            _ => Err(format!(
                "an image of {} (intent {intent}): series, labels or maps at voxels (intents {ALLOWED}) are expected",
                OTHERS.iter().find(|(code, _)| *code == intent).map_or("others", |(_, name)| name)
            )),
        }
    }

    /// The extents of the image. Axes of one element at the end are ignored, and so is a fourth axis of one element before a fifth.
    fn extents(&self) -> Result<[usize; 4], String> {
        let stated = |i: usize| self.whole([40 + 2 * i, 16 + 8 * i], true);
        let rank = usize::try_from(stated(0)).ok().filter(|n| (1..=7).contains(n));
        let rank = rank.ok_or_else(|| format!("a NIfTI image expected: it states {} axes, where 1 to 7 are possible", stated(0)))?;
        let given: Vec<i64> = (1..=rank).map(stated).collect();
        let mut axes = &given[..given.iter().rposition(|&n| n != 1).map_or(0, |last| last + 1)];
        let moved: Vec<i64>;
        if let [x, y, z, 1, time] = *axes {
            moved = vec![x, y, z, time];
            axes = &moved;
        }
        let mut extents = [1; 4];
        if axes.len() > 4 || axes.iter().any(|&n| n < 1) {
            return Err(format!("an image of three or four axes, none of them empty, is expected, found {given:?}"));
        }
        for (extent, &n) in extents.iter_mut().zip(axes) {
            *extent = usize::try_from(n).map_err(|_| format!("an image of {given:?} values does not fit in memory"))?;
        }
        Ok(extents)
    }

    pub(super) fn kind(&self) -> Result<Kind, String> {
        let code = self.get::<i16>(if self.second { 12 } else { 70 });
        match code {
            2 => Ok(Kind::U8),
            4 => Ok(Kind::I16),
            8 => Ok(Kind::I32),
            16 => Ok(Kind::F32),
            64 => Ok(Kind::F64),
            256 => Ok(Kind::I8),
            512 => Ok(Kind::U16),
            768 => Ok(Kind::U32),
            1024 => Ok(Kind::I64),
            1280 => Ok(Kind::U64),
            other => {
                let names = [(1, "single bits"), (32, "complex numbers"), (128, "colours"), (1536, "real numbers of 128 bits")];
                let more = [(1792, "complex numbers"), (2048, "complex numbers"), (2304, "colours")];
                let name = names.iter().chain(&more).find(|(code, _)| *code == other).map_or("an unknown type", |(_, name)| name);
                Err(format!("voxels of real or whole numbers of at most 64 bits are expected, found {name} (datatype {other})"))
            }
        }
    }

    pub(super) fn start(&self) -> Result<usize, String> {
        let stated = if self.second { self.get::<i64>(168) as f64 } else { self.get::<f32>(108).into() };
        // Four bytes that tell of extensions follow the header.
        let least = self.bytes.len() + 4;
        if !(stated.fract() == 0.0 && (least as f64..=1e15).contains(&stated)) {
            return Err(format!("a NIfTI image expected: its values begin at byte {stated}, and {least} is the first that is possible"));
        }
        Ok(stated as usize)
    }

    /// The slope and the intercept. A slope of 0 means that values are not scaled (NIfTI-1 standard), and so does a slope or an intercept
    /// that is not finite.
    pub(super) fn scale(&self) -> Option<[f64; 2]> {
        let scale @ [slope, offset] = [self.real([112, 176]), self.real([116, 184])];
        (slope != 0.0 && slope.is_finite() && offset.is_finite() && scale != [1.0, 0.0]).then_some(scale)
    }

    /// The distance from frame to frame. A NIfTI-1 header has it in single precision; of the numbers that round to it, the one with the
    /// fewest digits is taken, so that 0.72 is 0.72. Where frames lie along the fifth axis, there is none.
    fn spacing(&self) -> f64 {
        let along_fifth = self.whole([40, 16], true) >= 5 && self.whole([50, 56], true) > 1;
        let stated = if self.second { self.get::<f64>(136) } else { self.get::<f32>(92).to_string().parse().unwrap_or(0.0) };
        if along_fifth || !stated.is_finite() { 0.0 } else { stated.abs() }
    }

    /// The unit of the fourth axis: bits 3 to 5 of `xyzt_units`.
    fn unit(&self) -> Unit {
        let units = if self.second { i64::from(self.get::<i32>(500)) } else { i64::from(self.get::<u8>(123)) };
        match units & 0x38 {
            0 => Unit::Unstated,
            8 => Unit::Seconds,
            16 => Unit::Milliseconds,
            24 => Unit::Microseconds,
            _ => Unit::Other,
        }
    }

    /// The affine map from voxel indices to millimetres, taken from the sform, else the qform, else the voxels' sizes.
    fn affine(&self) -> [[f64; 4]; 3] {
        if self.whole([254, 348], false) > 0 {
            return [self.reals([280, 400]), self.reals([296, 432]), self.reals([312, 464])];
        }
        let [turn, size @ ..]: [f64; 4] = self.reals([76, 104]);
        if self.whole([252, 344], false) <= 0 {
            return std::array::from_fn(|i| std::array::from_fn(|j| if i == j { size[i] } else { 0.0 }));
        }
        // The rotation of a unit quaternion (NIfTI-1 standard, method 2); the third axis is turned where pixdim[0] is −1.
        let [b, c, d, offset @ ..]: [f64; 6] = self.reals([256, 352]);
        let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
        let rotation = [
            [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
            [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
            [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ];
        let turn = if turn < 0.0 { -1.0 } else { 1.0 };
        std::array::from_fn(|i| [rotation[i][0] * size[0], rotation[i][1] * size[1], rotation[i][2] * size[2] * turn, offset[i]])
    }
}
