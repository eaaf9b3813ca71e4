//! Messages between all pairs of nodes: what they take of memory, and what they refuse.

use tapetum::kernel::Target;
use tapetum::ops::message::PairActivation;
use tapetum::plan::Plan;
use tapetum::{Result, Tape, TensorType, Var};

/// A network's edge step at the size of the peers' scripts, forward and reverse: logits of two edge types, their softmax, messages.
fn edge_step([batch, nodes, features]: [usize; 3]) -> Result<(Tape, Vec<Var>)> {
    let mut t = Tape::new();
    let node = TensorType::f32([batch, nodes, features]);
    let [u, v, p, q] = ["u", "v", "p", "q"].map(|name| t.input(name, node));
    let (u, v, p, q) = (u?, v?, p?, q?);
    let a = t.input("a", TensorType::f32([2, features]))?;
    let logits = t.pairwise_dot(u, v, a, PairActivation::Elu)?;
    let edges = t.softmax(logits, 1)?;
    let one = t.slice(edges, 1, 1, 2, 1)?;
    let one = t.reshape(one, [batch, nodes, nodes])?;
    let messages = t.pairwise_sum(one, p, q, PairActivation::Relu)?;
    let square = t.square(messages)?;
    let loss = t.mean(square, &[], false)?;
    let mut outputs = t.gradient(loss, &[u, v, p, q, a])?;
    outputs.push(loss);
    Ok((t, outputs))
}

#[test]
fn no_tensor_of_pairs_by_features_exists_forward_or_in_reverse() {
    for extents in [[32, 100, 64], [32, 100, 256], [1, 1000, 64]] {
        let [batch, nodes, features] = extents;
        let (tape, outputs) = edge_step(extents).unwrap();
        let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
        let largest = plan.slots.iter().max().copied().unwrap();
        // Two edge types a pair, or the features of the nodes: whichever is more.
        let bound = 4 * (2 * batch * nodes * nodes).max(batch * nodes * features) as u64;
        assert!(largest <= bound, "{extents:?}: a slot of {largest} bytes, {bound} at most");
        assert!(bound * 8 < 4 * (batch * nodes * nodes * features) as u64);
    }
}

#[test]
fn refusals_name_what_does_not_fit() {
    let mut t = Tape::new();
    let mut input = |name: &str, shape: &[usize]| t.input(name, TensorType::f32(tapetum::Shape::try_new(shape).unwrap())).unwrap();
    let (u, v, z, a) = (input("u", &[2, 3, 4]), input("v", &[2, 5, 4]), input("z", &[2, 3, 4]), input("a", &[2, 3]));
    let flat = input("flat", &[3, 4]);
    let message = |r: Result<Var>| r.unwrap_err().to_string();
    assert!(message(t.pairwise_sum(z, u, v, PairActivation::Relu)).contains("[2, 3, 5]"));
    assert!(message(t.pairwise_dot(u, v, a, PairActivation::Relu)).contains("[k, 4]"));
    assert!(message(t.pairwise_sum(z, u, flat, PairActivation::Relu)).contains("the senders"));
    let s = t.pairwise_sum(u, u, v, PairActivation::Relu);
    assert!(message(s).contains("the weights of pairs"));
}
