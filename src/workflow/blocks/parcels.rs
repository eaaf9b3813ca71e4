//! Blocks for parcellation and for the positions of parcels.

use super::one;
use crate::connectome::loss::Moment;
use crate::connectome::parcels::Normalisation;
use crate::workflow::block::{Block, Input, Name, array, block, value};
use crate::workflow::form::{flag, not_negative, positive, words};
use crate::workflow::object::Field;
use crate::{Result, Tape, Var};

fn series() -> Input<Name> {
    value("series", "series [.., vertices, time]")
}

fn logits() -> Input<Name> {
    value("logits", "[parcels, vertices]")
}

fn memberships() -> Input<Name> {
    value("memberships", "[parcels, vertices]")
}

fn coordinates() -> Input<Name> {
    value("coordinates", "[vertices, 3], mm")
}

fn radius() -> Field<Option<f32>> {
    positive().map(|x| x as f32).maybe("radius", "the radius of the sphere, mm; without it distances are straight")
}

const NORMALISATIONS: [(&str, Normalisation); 5] = [
    ("mean", Normalisation::Mean),
    ("absolute-mean", Normalisation::AbsoluteMean),
    ("z-score", Normalisation::ZScore),
    ("percent-change", Normalisation::PercentChange),
    ("sum", Normalisation::Sum),
];

/// Makes parcels of the twin of `series` without means too, where it has one that keeps its digits, and declares that `made` differs from
/// those by means. All else that is made of them is returned, so that a workflow that needs the parcels without their means computes them
/// once.
fn moved_along<T>(tape: &mut Tape, series: Var, made: Var, twin: impl FnOnce(&mut Tape, Var) -> Result<(Var, T)>) -> Result<Option<T>> {
    let less = tape.less_means(series);
    if less == series {
        return Ok(None);
    }
    let (parcels, others) = twin(tape, less)?;
    tape.differs_by_means(made, parcels);
    Ok(Some(others))
}

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "soft_parcellation",
            "[.., parcels, time] by memberships that are a softmax of logits over parcels; also NAME.memberships and NAME.mass",
            (logits(), series()),
            |t, (logits, series)| {
                let made = t.soft_parcellation(logits, series)?;
                let (memberships, mass) = moved_along(t, series, made.series, |t, series| {
                    let twin = t.soft_parcellation(logits, series)?;
                    Ok((twin.series, (twin.memberships, twin.mass)))
                })?
                .unwrap_or((made.memberships, made.mass));
                Ok(vec![("", made.series), ("memberships", memberships), ("mass", mass)])
            },
        ),
        block(
            "parcel_series",
            "[.., parcels, time]: means of the series weighted by memberships; also NAME.mass",
            (memberships(), series()),
            |t, (memberships, series)| {
                let (made, mass) = t.parcel_series(memberships, series)?;
                let twin = moved_along(t, series, made, |t, series| t.parcel_series(memberships, series))?;
                Ok(vec![("", made), ("mass", twin.unwrap_or(mass))])
            },
        ),
        block(
            "linear_parcellation",
            "[.., parcels, time]: sums of the series weighted by an atlas of any weights, normalised",
            (
                value("weights", "[parcels, vertices]"),
                series(),
                words(NORMALISATIONS).or("normalisation", "mean", "how the weighted sums are normalised"),
            ),
            |t, (weights, series, normalisation)| one(t.linear_parcellation(weights, series, normalisation)?),
        ),
        block(
            "projection",
            "[.., parcels, time]: the series whose mixture by the maps comes nearest to those given",
            (value("maps", "[parcels, vertices]"), series(), not_negative().or("ridge", 0, "the penalty on the squares of the result")),
            |t, (maps, series, ridge)| one(t.parcellation_by_projection(maps, series, ridge as f32)?),
        ),
        block(
            "second_moment",
            "[parcels]: the mean over time of the variance within each parcel of a soft parcellation",
            (logits(), value("series", "[vertices, time]"), flag().or("summed", false, "not divided by the masses of the parcels")),
            |t, (logits, series, summed)| {
                let parcels = t.soft_parcellation(logits, series)?;
                let moment = if summed { Moment::Summed } else { Moment::PerMass };
                one(t.mean_second_moment(&parcels, series, moment)?)
            },
        ),
        block(
            "equilibrium",
            "[parcels]: how far the mass of each parcel is from the mean of all",
            (memberships(),),
            |t, (memberships,)| one(t.equilibrium(memberships)?),
        ),
        block(
            "compactness",
            "[parcels]: the mean distance, mm, of the vertices of a parcel from its centre, weighted by memberships",
            (memberships(), coordinates(), radius(), not_negative().or("floor", 0, "a distance, mm, that counts for nothing")),
            |t, (memberships, coordinates, radius, floor)| one(t.compactness(memberships, coordinates, radius, floor as f32)?),
        ),
        block(
            "centres_of_mass",
            "[parcels, 3], mm: the centre of each parcel",
            (memberships(), coordinates(), radius()),
            |t, (memberships, coordinates, radius)| one(t.centres_of_mass(memberships, coordinates, radius)?),
        ),
        block(
            "reference_tether",
            "[parcels]: great-circle distances, mm, of the centres of parcels from references",
            (
                memberships(),
                coordinates(),
                value("references", "[parcels, 3], mm"),
                positive().field("radius", "the radius of the sphere, mm"),
            ),
            |t, (memberships, coordinates, references, radius)| {
                one(t.reference_tether(memberships, coordinates, references, radius as f32)?)
            },
        ),
        block(
            "neighbour_mean",
            "[.., vertices]: the mean over the neighbours of each vertex",
            (value("of", "[.., vertices]"), array("neighbours", "i32 [vertices, degree], rows filled up with the vertex itself")),
            |t, (of, neighbours)| one(t.neighbour_mean(of, &neighbours)?),
        ),
    ]
}
