"""Estimates what data-parallel training gains on a cluster, by a model of costs with your own figures.

    python3 scaling.py                                        # the table for 1, 8, 64 and 512 GPUs
    python3 scaling.py --sum ring --between 2e-6,50e9         # another allreduce, another network
    python3 scaling.py --work mine=32.8e6,2.8,0.1             # bytes of gradients, ms a subject, ms of a step whatever its batch
    python3 scaling.py --bench bench.json                     # times of steps that `tapetum bench --json` measured
    python3 scaling.py --workflow W.json --size series=155,168,64 --time 0.4

A step has a batch of subjects, runs or windows, and each of N ranks computes ceil(subjects / N) of them. The batch is in microbatches
(`train.microbatches`), each of which is computed by itself and leaves a vector of gradients. A rank copies those of its microbatches to
the host and adds them, takes part in one sum over all ranks, and copies the sum back. tapetum copies a microbatch while the next one is
computed; the model hides nothing of these costs.
The costs of a sum of n bytes over p ranks are those of Thakur, Rabenseifner and Gropp 2005 ("Optimization of Collective Communication
Operations in MPICH", Int. J. High Perform. Comput. Appl. 19:49-66): a message of m bytes takes a + m b seconds, and its addition m c.

The default times are not all of GPUs. Each row names the machine that it was measured on; a time of host cores, or of software Vulkan,
says nothing of a GPU. Where the computation gets faster, the sum stays the same, so that the efficiency falls.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent


@dataclass(frozen=True)
class Link:
    """A link between two ranks: seconds for each message, and bytes a second."""

    latency: float
    bandwidth: float

    def time(self, size, sharing=1):
        """Seconds of a message of `size` bytes where `sharing` of them cross the link at once."""
        return self.latency + size * sharing / self.bandwidth


@dataclass(frozen=True)
class Cluster:
    """Nodes of `per_node` GPUs with a rank each. Ranks are numbered node by node."""

    per_node: int
    within: Link
    between: Link
    # Bytes a second that a rank adds to its own.
    adding: float
    # Bytes a second from a GPU to its host and back.
    copying: float

    def crosses(self, ranks):
        """True where the ranks do not fit in one node."""
        return ranks > self.per_node

    def apart(self, distance, size):
        """Seconds of a round in which all ranks exchange `size` bytes with the one at this distance. Those of a node share the network."""
        return self.between.time(size, self.per_node) if distance >= self.per_node else self.within.time(size)


@dataclass(frozen=True)
class Work:
    """A training step: the bytes of its gradients, and its seconds: fixed * microbatches + subject * subjects."""

    name: str
    size: float
    subject: float
    fixed: float
    source: str

    def compute(self, subjects, microbatches):
        """Seconds of what one rank computes in a step, of this number of subjects in so many microbatches."""
        return self.fixed * microbatches + self.subject * subjects


def distances(ranks):
    """1, 2, 4 and so on, below the number of ranks: ceil(log2 ranks) of them."""
    return [1 << k for k in range((ranks - 1).bit_length())]


def rounds(ranks):
    """ceil(log2 ranks), the rounds of a collective by doubling."""
    return len(distances(ranks))


def exchange(cluster, ranks, size):
    """Each rank gets its slice of the vectors of all, adds them in the order of one tree, and gathers the slices of all.

    (p - 1) a + 6 ceil(log2 p) a + 2 (p - 1)/p n b + (p - 1)/p n c. This is what tapetum does: the order of additions does not depend
    on the number of ranks, so that the sum has the same bits on any. The slices go from each rank to each, those to other nodes over
    the network that the ranks of a node share. Six short collectives, of lengths and of the slices' places, come with it. The slices
    return by a ring. Microbatches and ranks are powers of two; otherwise a rank may have more than one vector to send.
    """
    if ranks == 1:
        return 0.0
    piece = size / ranks
    here = min(ranks, cluster.per_node)
    away = ranks - here
    sent = (here - 1) * cluster.within.time(piece) + away * cluster.between.time(piece, cluster.per_node)
    link = cluster.between if cluster.crosses(ranks) else cluster.within
    short = 6 * rounds(ranks) * link.latency
    return sent + (ranks - 1) * piece / link.bandwidth + short + (ranks - 1) * piece / cluster.adding


def doubling(cluster, ranks, size):
    """Recursive doubling: ceil(log2 p) (a + n b + n c). All ranks of a node use the network at once."""
    return sum(cluster.apart(distance, size) + size / cluster.adding for distance in distances(ranks))


def halving(cluster, ranks, size):
    """Rabenseifner's: reduce-scatter by recursive halving, allgather by recursive doubling.

    2 ceil(log2 p) a + 2 (p - 1)/p n b + (p - 1)/p n c. The halves that cross nodes are the smallest.
    """
    total, left = 0.0, size
    for distance in distances(ranks):
        left /= 2
        total += 2 * cluster.apart(distance, left) + left / cluster.adding
    return total


def ring(cluster, ranks, size):
    """A ring: 2 (p - 1) a + 2 (p - 1)/p n b + (p - 1)/p n c. The slowest link sets the pace of each of its 2 (p - 1) rounds."""
    if ranks == 1:
        return 0.0
    piece = size / ranks
    link = cluster.between if cluster.crosses(ranks) else cluster.within
    return 2 * (ranks - 1) * link.time(piece) + (ranks - 1) * piece / cluster.adding


SUMS = {"exchange": exchange, "doubling": doubling, "halving": halving, "ring": ring}


def each(of, ranks):
    """The most of `of` things that one of the ranks takes."""
    return -(-of // ranks)


def step(work, cluster, ranks, batch, way):
    """Seconds of a step on this number of ranks: those of the computation, and those of copies and sums. `batch`: subjects, and
    microbatches, one a rank where they are not given."""
    subjects, microbatches = batch
    vectors = each(microbatches or ranks, ranks)
    compute = work.compute(each(subjects, ranks), vectors)
    if ranks == 1 and vectors == 1:
        return compute, 0.0
    copies = (vectors + 1) * work.size / cluster.copying
    return compute, copies + (vectors - 1) * work.size / cluster.adding + SUMS[way](cluster, ranks, work.size)


def table(work, cluster, counts, batch, way):
    """A row for each number of GPUs: GPUs, subjects a rank, computation, sum and step in ms, speed-up, efficiency."""
    alone = sum(step(work, cluster, 1, batch, way))
    rows = []
    for ranks in counts:
        compute, summed = step(work, cluster, ranks, batch, way)
        gain = alone / (compute + summed)
        rows.append((ranks, each(batch[0], ranks), 1e3 * compute, 1e3 * summed, 1e3 * (compute + summed), gain, gain / ranks))
    return rows


def extent(of, sizes, where):
    """An extent of a parameter's shape: a number, or NAME[AXIS] of a value whose shape is given."""
    if isinstance(of, int):
        return of
    name, _, axis = of.partition("[")
    shape, axis = sizes.get(name), axis.rstrip("]")
    if shape is None or not axis.lstrip("-").isdigit() or not -len(shape) <= int(axis) < len(shape):
        raise SystemExit(f"{where}: the extent {of} is not known: --size {name}=A,B,.. is expected")
    return shape[int(axis)]


def parameters(path, sizes):
    """The number of learnt parameters of a workflow that subjects share, and of those of one subject."""
    try:
        workflow = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: a workflow in JSON is expected: {error}") from None
    shared = own = 0
    for name, parameter in workflow.get("parameters", {}).items():
        if not parameter.get("learn", True):
            continue
        count = 1
        for of in parameter["shape"]:
            count *= extent(of, sizes, f"{path}: parameters.{name}")
        if parameter.get("per") == "subject":
            own += count
        else:
            shared += count
    return shared, own


def pairs(regions):
    """The number of edges between regions."""
    return regions * (regions - 1) // 2


# Workflow, shapes of its values, ms a subject, source. Times are processor time of one core of an Intel Xeon, host executor, 2026-11-26.
HOST = "host, one core, 2026-11-26"
WORKFLOWS = [
    ("brain_states", {"series": (5, 94, 355)}, 2.0, "the five runs that ship; " + HOST),
    ("prediction", {"series": (155, 64, 168), "edges": (155, pairs(64))}, 0.37, "ds000228, 155 subjects; " + HOST),
    ("denoising", {"confounds": (16, 46, 257)}, 5.2, "100 regions, 46 confounds; " + HOST),
    ("c_elegans", {"windows": (600, 22, 16)}, 0.105, "windows of 22 neurons; " + HOST),
]

H200 = "NVIDIA H200, 2026-11-26, benches/README.md"


def defaults():
    """The works of the table."""
    works = []
    for name, sizes, time, source in WORKFLOWS:
        shared, _ = parameters(EXAMPLES / f"{name}.json", sizes)
        works.append(Work(f"{name}.json", 4 * shared, time * 1e-3, 0.0, source))
    # 31 dispatches of about 2 us each are there whatever the batch.
    works.append(Work("demo (2,341 vertices x 200 parcels)", 4 * 2341 * 200, 194e-6, 62e-6, f"256 us, 31 dispatches; {H200}"))
    full = Work("20,484 vertices x 400 parcels", 4 * 20484 * 400, 2.80e-3, 0.0, f"soft parcellation with gradient, 1,200 frames; {H200}")
    works.append(full)
    larger = 64984 / 20484
    works.append(replace(full, name="64,984 vertices x 400 parcels", size=full.size * larger, subject=full.subject * larger,
                         source="the row above, times 64,984 / 20,484"))
    return works


def number(text):
    """A number of 0 or more."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: a number of 0 or more is expected")
    return value


def above(text):
    """A number above 0."""
    value = number(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text}: a number above 0 is expected")
    return value


def whole(text):
    """A whole number above 0."""
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text}: a whole number above 0 is expected")
    return int(text)


def link(text):
    """LATENCY,BANDWIDTH in seconds and bytes a second."""
    latency, comma, bandwidth = text.partition(",")
    if not comma:
        raise argparse.ArgumentTypeError(f"{text}: LATENCY,BANDWIDTH is expected, such as 2e-6,25e9")
    return Link(number(latency), above(bandwidth))


def own(text):
    """NAME=BYTES,MS[,FIXED_MS]."""
    name, _, figures = text.rpartition("=")
    cells = figures.split(",")
    if not name or len(cells) not in (2, 3):
        raise argparse.ArgumentTypeError(f"{text}: NAME=BYTES,MS_A_SUBJECT[,FIXED_MS] is expected")
    size, subject, fixed = [number(cell) for cell in cells] + [0.0] * (3 - len(cells))
    if subject + fixed == 0:
        raise argparse.ArgumentTypeError(f"{text}: a time above 0 is expected")
    return Work(name, size, 1e-3 * subject, 1e-3 * fixed, "given")


def shape(text):
    """NAME=A,B,.."""
    name, _, extents = text.partition("=")
    if not name or not extents:
        raise argparse.ArgumentTypeError(f"{text}: NAME=A,B,.. is expected")
    return name, tuple(whole(cell) for cell in extents.split(","))


def measured(path):
    """The steps of `tapetum bench --json` that learn the demo's parcels, with the wall time of each as that of one subject."""
    sizes = {"step/demo": 4 * 2341 * 200, "step/full_resolution": 4 * 20484 * 400}
    try:
        steps = json.loads(Path(path).read_text())["steps"]
        found = [Work(s["name"], sizes[s["name"]], s["wall"]["median_ns"] * 1e-9, 0.0, str(path)) for s in steps if s["name"] in sizes]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path}: a report of `tapetum bench --json` is expected: {error!r}") from None
    if not found:
        raise SystemExit(f"{path}: none of {', '.join(sizes)} was timed there")
    return found


def arguments():
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gpus", type=lambda text: [whole(cell) for cell in text.split(",")], default=[1, 8, 64, 512], metavar="N,N,..")
    p.add_argument("--subjects", type=whole, default=512, metavar="N", help="subjects of a batch, over all ranks [default: 512]")
    p.add_argument("--microbatches", type=whole, metavar="N", help="microbatches of a batch [default: one for each GPU]")
    p.add_argument("--sum", choices=SUMS, default="exchange", help="the sum over ranks [default: exchange, which is tapetum's]")
    p.add_argument("--per-node", type=whole, default=8, metavar="N", help="GPUs of a node [default: 8]")
    p.add_argument("--within", type=link, default=Link(1e-6, 10e9), metavar="S,B/S",
                   help="latency and bandwidth between two ranks of a node [default: 1e-6,10e9, by shared memory]")
    p.add_argument("--between", type=link, default=Link(2e-6, 25e9), metavar="S,B/S",
                   help="latency and bandwidth of a node on the network [default: 2e-6,25e9, 200 Gbit/s]")
    p.add_argument("--adding", type=above, default=10e9, metavar="B/S", help="bytes that a rank adds in a second [default: 10e9]")
    p.add_argument("--copying", type=above, default=25e9, metavar="B/S", help="bytes from GPU to host in a second [default: 25e9, PCIe 4]")
    p.add_argument("--work", type=own, action="append", metavar="NAME=BYTES,MS[,FIXED_MS]", help="a step of your own, not the table")
    p.add_argument("--bench", metavar="JSON", help="a report of `tapetum bench --json`")
    p.add_argument("--workflow", metavar="JSON", help="a workflow of your own, whose parameters are counted; with --size and --time")
    p.add_argument("--size", type=shape, action="append", default=[], metavar="NAME=A,B,..", help="the shape of a value of it")
    p.add_argument("--time", type=above, metavar="MS", help="milliseconds of a subject of it")
    p.add_argument("--json", action="store_true", help="print one JSON object")
    return p


def chosen(given, parser):
    """The works that are asked for, or those of the table."""
    works = list(given.work or [])
    if given.bench:
        works += measured(given.bench)
    if given.workflow:
        if given.time is None:
            parser.error("--workflow: --time MS, of one subject, is expected")
        shared, _ = parameters(given.workflow, dict(given.size))
        works.append(Work(given.workflow, 4 * shared, 1e-3 * given.time, 0.0, "given"))
    return works or defaults()


def main(argv=None):
    """Prints the table."""
    parser = arguments()
    given = parser.parse_args(argv)
    cluster = Cluster(given.per_node, given.within, given.between, given.adding, given.copying)
    works = chosen(given, parser)
    rows = {work.name: table(work, cluster, given.gpus, (given.subjects, given.microbatches), given.sum) for work in works}
    columns = ["gpus", "subjects_a_rank", "compute_ms", "sum_ms", "step_ms", "speed_up", "efficiency"]
    if given.json:
        named = [{"name": w.name, "gradient_bytes": w.size, "source": w.source,
                  "rows": [dict(zip(columns, row)) for row in rows[w.name]]} for w in works]
        json.dump({"sum": given.sum, "subjects": given.subjects, "microbatches": given.microbatches, "works": named}, sys.stdout, indent=2)
        print()
        return
    split = f"{given.microbatches} microbatches" if given.microbatches else "a microbatch for each GPU"
    print(f"{given.subjects} subjects a step in {split}, {given.per_node} GPUs a node, the sum by {given.sum}")
    for work in works:
        print(f"\n{work.name}: {work.size / 1e6:,.3f} MB of gradients ({work.source})")
        print(f"{'GPUs':>6}{'a rank':>8}{'compute, ms':>13}{'sum, ms':>11}{'step, ms':>11}{'speed-up':>10}{'efficiency':>12}")
        for gpus, own_subjects, compute, summed, whole_step, gain, efficiency in rows[work.name]:
            print(f"{gpus:>6}{own_subjects:>8}{compute:>13.3f}{summed:>11.3f}{whole_step:>11.3f}{gain:>10.1f}{100 * efficiency:>11.0f}%")


if __name__ == "__main__":
    main()
