//! Training, fold by fold, with checkpoints.

use super::Workflow;
use super::judge::{self, Outcome};
use super::record::Recording;
use super::split::Fold;
use crate::tensor::Philox;
use crate::training::{LOSS, Training, ring_of};
use crate::{Device, Error, Result, State};
use std::fs;
use std::path::{Path, PathBuf};

/// Draws of the batches are of this stream.
const STREAM: u32 = 0xba7c;

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The fold, from 0.
    pub fold: usize,
    /// Steps of it that are done.
    pub step: u32,
    /// The loss at the last of them.
    pub loss: f32,
}

/// Where a run keeps its models, a checkpoint for each fold, and whether it goes on from those it finds there.
#[derive(Debug, Clone)]
pub struct Resume {
    folder: PathBuf,
    go_on: bool,
}

impl Resume {
    /// A run that begins anew: checkpoints of one before are removed from the folder.
    ///
    /// # Errors
    /// [`Error::File`] where the folder cannot be made or written in.
    pub fn anew(folder: impl Into<PathBuf>, workflow: &Workflow, device: &Device) -> Result<Self> {
        let made = Self { folder: folder.into(), go_on: false };
        let error = |e: std::io::Error| Error::file(&made.folder, format!("cannot be written in: {e}"));
        fs::create_dir_all(&made.folder).map_err(error)?;
        for fold in 0.. {
            match fs::remove_file(made.file(fold)) {
                Ok(()) => {}
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => break,
                Err(e) => return Err(error(e)),
            }
        }
        crate::file::write_file(made.begun(), made.mark(workflow, device).as_bytes())?;
        Ok(made)
    }

    /// A run that goes on where one of the same workflow, inputs, seed, version and device was stopped; one that was never begun begins.
    ///
    /// # Errors
    /// [`Error::File`] where what was begun there is another run.
    pub fn on(folder: impl Into<PathBuf>, workflow: &Workflow, device: &Device) -> Result<Self> {
        let made = Self { folder: folder.into(), go_on: true };
        match fs::read_to_string(made.begun()) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Self::anew(made.folder, workflow, device),
            Err(e) => Err(Error::file(made.begun(), format!("cannot be read: {e}"))),
            Ok(mark) if mark == made.mark(workflow, device) => Ok(made),
            Ok(mark) => {
                let device = mark.lines().nth(1).unwrap_or_default();
                let what = "another run was begun here: the workflow, what was set, an input, the seed, or the version is not the same";
                Err(Error::file(made.begun(), format!("{what}, or the device, which was {device}; leave --resume out to begin anew")))
            }
        }
    }

    fn begun(&self) -> PathBuf {
        self.folder.join("begun.txt")
    }

    fn mark(&self, workflow: &Workflow, device: &Device) -> String {
        format!("{}\n{}\n", workflow.identity(), device.name())
    }

    fn file(&self, fold: usize) -> PathBuf {
        self.folder.join(format!("fold-{fold}.safetensors"))
    }
}

impl Workflow {
    /// Trains every fold and judges it. With `models`, checkpoints are written there and, where it says so, gone on from: a run that was
    /// stopped and goes on has the results of one that was not.
    ///
    /// # Errors
    /// Where the device refuses or fails, a file has changed, or a checkpoint cannot be read or written.
    pub fn run(&self, device: &Device, models: Option<&Resume>, mut progress: impl FnMut(Progress)) -> Result<Outcome> {
        let (mut judged, mut losses) = (Vec::new(), Vec::new());
        for (i, fold) in self.folds.iter().enumerate() {
            let file = models.map(|m| (m.file(i), m.go_on));
            let state = State::new(device);
            let file = file.as_ref().map(|(path, go_on)| (path.as_path(), *go_on));
            self.learn(device, &state, fold, file, &mut |step, loss| progress(Progress { fold: i, step, loss }))?;
            judged.push(judge::judge(self, device, &state, fold)?);
            losses.push(self.losses(&state)?);
        }
        judge::gather(self, &judged, losses)
    }

    fn learn(
        &self,
        device: &Device,
        state: &State,
        fold: &Fold,
        file: Option<(&Path, bool)>,
        progress: &mut dyn FnMut(u32, f32),
    ) -> Result<()> {
        let batch = self.batch_of(&fold.train);
        let Some(made) = Recording::training(self, batch)? else { return Ok(()) };
        let standards = self.data.standards(&fold.train)?;
        let mut training = Training::new(device, &made.tape, state, self.train.steps)?.named(made.values.clone());
        training = match self.train.batch {
            None => training.inputs(judge::inputs(self, &made, &fold.train, &standards)?),
            Some(_) => training.batches(|step| judge::inputs(self, &made, &self.batch(fold, batch, step), &standards)),
        };
        if let Some((path, go_on)) = file {
            if go_on && path.exists() {
                state.load(path, &[training.program()])?;
            }
            training = training.saving(self.train.checkpoint, move |program| state.save(path, &[program]));
        }
        training.run(progress)
    }

    /// The subjects of a step: each once in an epoch, in an order drawn for it; those that fill no batch wait for the next.
    fn batch(&self, fold: &Fold, batch: usize, step: u32) -> Vec<usize> {
        let each = (fold.train.len() / batch) as u32;
        let order = Philox::new(self.seed, STREAM, step / each).shuffled(fold.train.len());
        let from = (step % each) as usize * batch;
        order[from..from + batch].iter().map(|&i| fold.train[i]).collect()
    }

    fn losses(&self, state: &State) -> Result<Vec<(String, Vec<f32>)>> {
        if state.ty(LOSS).is_none() {
            return Ok(Vec::new());
        }
        let read = |name: String, of: String| Ok((name, state.read(&of)?.elements::<f32>()?.to_vec()));
        let terms = self.terms.iter().map(|term| read(term.name.clone(), ring_of(&term.name)));
        [read(LOSS.to_owned(), LOSS.to_owned())].into_iter().chain(terms).collect()
    }
}
