// A matrix belongs to one invocation: nobody to wait for.
const LANES = 1u;
const GROUP = 1u;

fn sync() {}

fn meet() {}
