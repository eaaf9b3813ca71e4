//! Parcels learnt on a cortex.

use super::array::TapetumArray;
use super::border::{TapetumStatus, given, make};
use super::device::TapetumDevice;
use super::handle::held;
use super::progress::{TapetumProgress, Watch};
use super::results::TapetumResults;
use super::text::Text;
use crate::HostTensor;
use crate::connectome::parcels::cortex::Cortex;
use crate::connectome::parcels::learn_parcels::Learner;
use crate::workflow::options;
use serde_json::json;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// Soft parcels of a cortex, learnt from series `[time, vertices]` at `coordinates` `[vertices, 3]` on a sphere.
///
/// `faces`, `int32_t` `[faces, 3]`, are the triangles of the mesh; where it is NULL, a vertex's neighbours are the six nearest. `mask`,
/// `float` `[vertices]`, is not 0 for vertices that get a parcel; NULL for all. `options` is JSON: `parcels` (which must be given), `steps`
/// (300) and `seed` (0). `progress` may be NULL.
///
/// The results have `labels`, `int32_t` `[vertices]`, the parcel of each vertex or -1; `memberships`, `float` `[parcels, vertices]` of the
/// vertices that have one; and `losses`, `float` `[steps]`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "what a surface is made of, and the settings")]
pub extern "C" fn tapetum_parcellate(
    device: *mut TapetumDevice,
    series: Option<&TapetumArray>,
    coordinates: Option<&TapetumArray>,
    faces: Option<&TapetumArray>,
    mask: Option<&TapetumArray>,
    options: Text,
    progress: TapetumProgress,
    user: *mut c_void,
    results: Option<&mut MaybeUninit<*mut TapetumResults>>,
) -> TapetumStatus {
    make("results", results, || {
        let device = held(device, "device")?;
        let settings = options::parcels(options.maybe("options")?)?;
        let (series, coordinates) = (given("series", series)?.series("series")?, given("coordinates", coordinates)?.real("coordinates")?);
        let faces = faces.map(|faces| faces.tensor("faces")).transpose()?;
        let mask = mask.map(|mask| mask.real("mask")).transpose()?;
        let cortex = Cortex::centred(&series, &coordinates, faces, mask.as_ref(), settings.parcels)?;
        let mut watch = Watch::new(progress, user);
        let learner = Learner::new(&device.device, &cortex.surface(0..cortex.frames())?, &settings)?;
        let learnt = learner.run(|step, loss| watch.tell(0, step, loss));
        let learnt = watch.or(learnt)?;
        let labels = cortex.spread(&learnt.labels);
        let arrays = vec![
            ("labels".to_owned(), HostTensor::i32([labels.len()], labels)?),
            ("memberships".to_owned(), learnt.memberships),
            ("losses".to_owned(), HostTensor::f32([learnt.losses.len()], learnt.losses)?),
        ];
        Ok(TapetumResults::new(arrays, json!({})))
    })
}
