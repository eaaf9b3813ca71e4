//! Systems of particles whose interactions are drawn at random and known: the springs and Kuramoto's oscillators of neural relational
//! inference (Kipf et al. 2018), with its constants.

use tapetum::tensor::Philox;

/// The number of particles.
pub const NODES: usize = 5;
/// The number of frames in a trajectory.
pub const FRAMES: usize = 49;
/// The number of features of a particle in a frame.
pub const FEATURES: usize = 4;

/// The simulated system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Balls in a box, some pairs of which are connected by springs. The features are position and velocity.
    Springs,
    /// Oscillators, some pairs of which attract each other's phase. The features are speed, sine and cosine of the phase, and natural
    /// frequency.
    Kuramoto,
}

/// Trajectories `[simulation, node, frame, feature]` within ±1, and edges `[simulation, receiver, sender]`.
pub struct Simulated {
    pub trajectories: Vec<f32>,
    pub edges: Vec<bool>,
}

struct Draws {
    philox: Philox,
    next: usize,
}

impl Draws {
    fn normal(&mut self) -> f64 {
        self.next += 1;
        self.philox.normal(self.next)
    }

    fn uniform(&mut self) -> f64 {
        self.next += 1;
        f64::from(self.philox.uniform(self.next))
    }

    /// Random edges: each pair is connected with probability one half.
    fn edges(&mut self) -> [[bool; NODES]; NODES] {
        let mut edges = [[false; NODES]; NODES];
        for (i, j) in (0..NODES).flat_map(|i| (0..i).map(move |j| (i, j))) {
            edges[i][j] = self.uniform() < 0.5;
            edges[j][i] = edges[i][j];
        }
        edges
    }
}

type Frame = [[f64; FEATURES]; NODES];

impl System {
    /// Runs this number of simulations. Each depends only on the seed and on its own index.
    pub fn simulate(self, simulations: usize, seed: u64) -> Simulated {
        let (mut trajectories, mut edges) = (Vec::new(), Vec::new());
        for i in 0..simulations {
            let mut draws = Draws { philox: Philox::new(seed, i as u32, 0), next: 0 };
            let tied = draws.edges();
            let frames = match self {
                Self::Springs => springs(&mut draws, &tied),
                Self::Kuramoto => kuramoto(&mut draws, &tied),
            };
            let scale = self.scale();
            for node in 0..NODES {
                trajectories.extend(frames.iter().flat_map(|f| (0..FEATURES).map(|k| (f[node][k] / scale[k]) as f32).collect::<Vec<_>>()));
            }
            edges.extend(tied.as_flattened());
        }
        Simulated { trajectories, edges }
    }

    /// The divisor that brings each feature to about ±1.
    fn scale(self) -> [f64; FEATURES] {
        match self {
            Self::Springs => [3.0, 3.0, 1.5, 1.5],
            Self::Kuramoto => [10.0, 1.0, 1.0, 10.0],
        }
    }
}

/// Five balls in a box of ±5 with springs of strength 0.1, integrated by leapfrog steps of 1 ms, with one frame every 100 steps.
fn springs(draws: &mut Draws, edges: &[[bool; NODES]; NODES]) -> Vec<Frame> {
    const STEP: f64 = 0.001;
    let mut place: [[f64; 2]; NODES] = std::array::from_fn(|_| [0.5 * draws.normal(), 0.5 * draws.normal()]);
    let mut velocity: [[f64; 2]; NODES] = std::array::from_fn(|_| {
        let v = [draws.normal(), draws.normal()];
        let length = v[0].hypot(v[1]).max(1e-9);
        v.map(|x| 0.5 * x / length)
    });
    let kick = |place: &[[f64; 2]; NODES], velocity: &mut [[f64; 2]; NODES]| {
        for i in 0..NODES {
            for axis in 0..2 {
                let pull = |j: usize| if edges[i][j] { place[j][axis] - place[i][axis] } else { 0.0 };
                velocity[i][axis] += STEP * 0.1 * (0..NODES).map(pull).sum::<f64>();
            }
        }
    };
    kick(&place, &mut velocity);
    let mut frames = Vec::with_capacity(FRAMES);
    for step in 1..=100 * FRAMES {
        for (x, v) in place.as_flattened_mut().iter_mut().zip(velocity.as_flattened_mut()) {
            *x += STEP * *v;
            if x.abs() > 5.0 {
                *x = x.signum() * 10.0 - *x;
                *v = -*v;
            }
        }
        if step % 100 == 0 {
            frames.push(std::array::from_fn(|i| [place[i][0], place[i][1], velocity[i][0], velocity[i][1]]));
        }
        kick(&place, &mut velocity);
    }
    frames
}

/// The Kuramoto model dφ_i/dt = ω_i + Σ_j sin(φ_j − φ_i) over edges, with ω uniform on 1 to 10, integrated by Runge–Kutta steps of 10 ms,
/// with one frame every 10 steps.
fn kuramoto(draws: &mut Draws, edges: &[[bool; NODES]; NODES]) -> Vec<Frame> {
    const STEP: f64 = 0.01;
    let natural: [f64; NODES] = std::array::from_fn(|_| 1.0 + 9.0 * draws.uniform());
    let mut phase: [f64; NODES] = std::array::from_fn(|_| std::f64::consts::TAU * draws.uniform());
    let speed = |phase: &[f64; NODES]| -> [f64; NODES] {
        std::array::from_fn(|i| natural[i] + (0..NODES).filter(|&j| edges[i][j]).map(|j| (phase[j] - phase[i]).sin()).sum::<f64>())
    };
    let ahead = |phase: &[f64; NODES], slope: &[f64; NODES], h: f64| -> [f64; NODES] { std::array::from_fn(|i| phase[i] + h * slope[i]) };
    let mut frames = Vec::with_capacity(FRAMES);
    for step in 1..=10 * FRAMES {
        let a = speed(&phase);
        let b = speed(&ahead(&phase, &a, STEP / 2.0));
        let c = speed(&ahead(&phase, &b, STEP / 2.0));
        let d = speed(&ahead(&phase, &c, STEP));
        phase = std::array::from_fn(|i| phase[i] + STEP / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
        if step % 10 == 0 {
            let slope = speed(&phase);
            frames.push(std::array::from_fn(|i| [slope[i], phase[i].sin(), phase[i].cos(), natural[i]]));
        }
    }
    frames
}
