// A matrix belongs to a workgroup of LANES, whose invocations see one another's storage after a barrier.
const GROUP = LANES;

fn sync() {
    storageBarrier();
    workgroupBarrier();
}

// The same for workgroup memory alone.
fn meet() {
    workgroupBarrier();
}
