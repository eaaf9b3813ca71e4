//! Parcellation, and where parcels lie.

use super::one;
use crate::connectome::loss::Moment;
use crate::connectome::parcels::Normalisation;
use crate::workflow::block::{Argument, Block, Default, Kind, choice, flag, number, required, value};

const SERIES: Argument = value("series", "series [.., vertices, time]");
const MEMBERSHIPS: Argument = value("memberships", "[parcels, vertices]");
const COORDINATES: Argument = value("coordinates", "[vertices, 3], mm");
const RADIUS: Argument =
    Argument::new("radius", Kind::Number, Default::Absent, "of the sphere, mm; straight distances where it is not given");

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "soft_parcellation",
        what: "[.., parcels, time] by memberships that are a softmax of logits over parcels; also NAME.memberships and NAME.mass",
        arguments: &[value("logits", "[parcels, vertices]"), SERIES],
        build: |t, a| {
            let made = t.soft_parcellation(a.value("logits")?, a.value("series")?)?;
            Ok(vec![("", made.series), ("memberships", made.memberships), ("mass", made.mass)])
        },
    },
    Block {
        name: "parcel_series",
        what: "[.., parcels, time]: means of series weighted by memberships; also NAME.mass",
        arguments: &[MEMBERSHIPS, SERIES],
        build: |t, a| {
            let (series, mass) = t.parcel_series(a.value("memberships")?, a.value("series")?)?;
            Ok(vec![("", series), ("mass", mass)])
        },
    },
    Block {
        name: "linear_parcellation",
        what: "[.., parcels, time]: series weighted by an atlas of any weights, normalised",
        arguments: &[
            value("weights", "[parcels, vertices]"),
            SERIES,
            choice("normalisation", &["mean", "absolute-mean", "z-score", "percent-change", "sum"], "mean", "of the weighted sums"),
        ],
        build: |t, a| {
            let normalisation = match a.text("normalisation") {
                "absolute-mean" => Normalisation::AbsoluteMean,
                "z-score" => Normalisation::ZScore,
                "percent-change" => Normalisation::PercentChange,
                "sum" => Normalisation::Sum,
                _ => Normalisation::Mean,
            };
            one(t.linear_parcellation(a.value("weights")?, a.value("series")?, normalisation)?)
        },
    },
    Block {
        name: "projection",
        what: "[.., parcels, time] whose mixture by the maps comes nearest to the series",
        arguments: &[value("maps", "[parcels, vertices]"), SERIES, number("ridge", 0.0, "the penalty on the result's squares")],
        build: |t, a| one(t.parcellation_by_projection(a.value("maps")?, a.value("series")?, a.single("ridge"))?),
    },
    Block {
        name: "second_moment",
        what: "[], the mean over parcels and time of the variance within parcels of a soft parcellation's series",
        arguments: &[
            value("logits", "[parcels, vertices]"),
            value("series", "[vertices, time]"),
            flag("summed", false, "not divided by the parcels' masses"),
        ],
        build: |t, a| {
            let series = a.value("series")?;
            let parcels = t.soft_parcellation(a.value("logits")?, series)?;
            let moment = if a.flag("summed") { Moment::Summed } else { Moment::PerMass };
            one(t.mean_second_moment(&parcels, series, moment)?)
        },
    },
    Block {
        name: "equilibrium",
        what: "how far parcels' masses are from equal",
        arguments: &[MEMBERSHIPS],
        build: |t, a| one(t.equilibrium(a.value("memberships")?)?),
    },
    Block {
        name: "compactness",
        what: "[parcels]: how far, mm, a parcel lies from its centre",
        arguments: &[MEMBERSHIPS, COORDINATES, RADIUS, number("floor", 0.0, "mm that count for nothing")],
        build: |t, a| {
            let radius = Some(a.single("radius")).filter(|r| *r > 0.0);
            one(t.compactness(a.value("memberships")?, a.value("coordinates")?, radius, a.single("floor"))?)
        },
    },
    Block {
        name: "centres_of_mass",
        what: "[parcels, 3], mm",
        arguments: &[MEMBERSHIPS, COORDINATES, RADIUS],
        build: |t, a| {
            let radius = Some(a.single("radius")).filter(|r| *r > 0.0);
            one(t.centres_of_mass(a.value("memberships")?, a.value("coordinates")?, radius)?)
        },
    },
    Block {
        name: "reference_tether",
        what: "[parcels]: great-circle distances, mm, of parcels' centres from references",
        arguments: &[
            MEMBERSHIPS,
            COORDINATES,
            value("references", "[parcels, 3], mm"),
            required("radius", Kind::Number, "of the sphere, mm"),
        ],
        build: |t, a| {
            let [memberships, coordinates, references] = [a.value("memberships")?, a.value("coordinates")?, a.value("references")?];
            one(t.reference_tether(memberships, coordinates, references, a.single("radius"))?)
        },
    },
    Block {
        name: "neighbour_mean",
        what: "[.., vertices]: the mean over each vertex's neighbours",
        arguments: &[
            value("of", "[.., vertices]"),
            required("neighbours", Kind::Array, "an array i32 [vertices, degree], rows filled up with the vertex itself"),
        ],
        build: |t, a| one(t.neighbour_mean(a.value("of")?, a.array("neighbours")?)?),
    },
];
