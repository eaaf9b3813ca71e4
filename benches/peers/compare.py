"""Times ours and its peers by turns on one device, and prints how many times faster ours is.

    python benches/peers/compare.py --device llvmpipe --works small --burn [BINARY]      # burn on the same adapter (its build takes long)
    python benches/peers/compare.py --device cpu --works host --hypercoil PYTHON --pytorch PYTHON --nilearn PYTHON --markdown FILE
    python benches/peers/compare.py --device auto --works large --burn --pytorch PYTHON --peer-device cuda

PYTHON is the interpreter of an environment that holds the peer. Before a peer is timed, it and ours compute the same small input, and
the results are held to one another. A time is the lower quartile of the rounds, and that of a round the median of its runs. MiB are of
the host's memory, the program's own included, at most. Where other programs want the cores, wall time misleads: then the ratio by
processor time, of all cores together, says more, and `--cores 1` holds all sides to one.
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def both(work):
    """Forward, and forward with gradient."""
    kind, shape = work.split()
    return [work, f"{kind} gradient {shape}"]


WIDTHS = (64, 128, 256)
WORKS = {
    "small": ["product 512x512x512", "product 2048x2048x2048", *both("correlation 4x128x512"), *both("parcellation 2562x100x652")],
    "large": ["product 4096x4096x4096", *both("correlation 16x400x1200"), *both("parcellation 20484x400x1200")],
    "edges": [f"{kind}-{style} gradient 32x100x{f}" for f in WIDTHS for kind in ("edges", "messages") for style in ("nri", "gather", "factored")]
    + [f"messages-summed gradient 32x100x{f}" for f in WIDTHS],
    "host": [*both("correlation 16x400x1200"), *both("parcellation 20000x400x1200"), "demo step"]
    + ["edge_step 32x100x64", "births_deaths 20x384x384", "tangent 100x200x200", "denoise 100000x400x24"],
}
# The works that a peer does, by their kinds; burn and those in JAX do the first three.
BASIC = {"product", "correlation", "parcellation"}
KINDS = {"pytorch": BASIC | {"edges", "messages", "edge_step", "demo"}, "nilearn": {"births_deaths", "tangent", "denoise"}}
SMALL = {"product": "33x47x29", "correlation": "3x17x50", "parcellation": "65x7x33"}
SMALL |= {"edge_step": "2x11x8", "births_deaths": "3x17x17", "tangent": "5x7x40", "denoise": "9x120x5"}
SMALL |= {f"{kind}-{style}": "2x11x8" for kind in ("edges", "messages") for style in ("nri", "gather", "factored", "summed")}

# Single precision leaves a few 1e-6 of a result's norm in every side; another formula leaves a part of it.
AGREEMENT = 1e-4


class Side:
    """A program that answers a line with a line of JSON."""

    def __init__(self, *command, kinds=BASIC):
        self.kinds = kinds
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE)
        self.title, self.device = self.answer("side", "device")

    def does(self, work):
        return work.split()[0].split("-")[0] in self.kinds

    def ask(self, first, second, *keys):
        self.process.stdin.write(f"{first}\t{second}\n")
        self.process.stdin.flush()
        return self.answer(*keys)

    def answer(self, *keys):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args} ended without an answer")
        found = json.loads(line)
        return [found[key] for key in keys]

    def seconds(self, work, runs):
        return self.ask(work, runs, "seconds")[0]

    def round(self, work, runs):
        """The median of some runs, and the processor time of one."""
        before = self.processor()
        seconds, made = self.ask(work, runs, "seconds", "runs")
        return seconds, (self.processor() - before) / made

    def forget_peak(self):
        """From here on, the peak of memory is counted anew (Linux)."""
        refs = Path(f"/proc/{self.process.pid}/clear_refs")
        if refs.exists():
            refs.write_text("5")

    def peak(self):
        """MiB of the host's memory held at most since then; nothing where there is no /proc."""
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), math.nan)

    def processor(self):
        """Seconds of all cores so far; nothing where there is no /proc."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return math.nan
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check(work, ours, theirs):
    """Both sides make the same of the same small input."""
    if work == "demo step":
        return  # it learns: `pytorch_step.py` prints what came of it
    small = f"{work.rsplit(' ', 1)[0]} {SMALL[work.split()[0]]}"
    pairs = list(zip(*(side.ask("CHECK", small, "sums")[0] for side in (ours, theirs)), strict=True))
    for (n, total, norm, weighted), (m, *others) in pairs:
        # By Cauchy and Schwarz: results that differ by a part of their norm differ in a sum by that part of both norms.
        bounds = [AGREEMENT * norm * scale for scale in (math.sqrt(n), 1.0, math.sqrt(n / 12))]
        apart = [abs(a - b) for a, b in zip((total, norm, weighted), others, strict=True)]
        if n != m or not all(d <= bound for d, bound in zip(apart, bounds)):
            raise SystemExit(f"{ours.title} and {theirs.title} make different things of `{small}`: {pairs}")


def runs_for(side, work):
    """About a second of runs, the first of which compiles and makes the data."""
    first = side.seconds(work, 1)
    return 1 if first > 1.0 else max(1, min(20, int(1.0 / side.seconds(work, 1))))


def quiet(times):
    """The lower quartile: other programs only make a time longer."""
    times = sorted(times)
    return times[(len(times) - 1) // 4]


def compare(work, ours, theirs, rounds):
    check(work, ours, theirs)
    for side in (ours, theirs):
        side.forget_peak()
    runs = [runs_for(side, work) for side in (ours, theirs)]
    taken = [[side.round(work, n) for side, n in zip((ours, theirs), runs)] for _ in range(rounds)]
    milliseconds = [1e3 * quiet(r[side][0] for r in taken) for side in (0, 1)]
    processor = [quiet(r[side][1] for r in taken) for side in (0, 1)]
    ratios = [b[0] / a[0] for a, b in taken]
    return {
        "work": work,
        "peer": theirs.title,
        "ours_ms": milliseconds[0],
        "theirs_ms": milliseconds[1],
        "faster": milliseconds[1] / milliseconds[0],
        "spread": [min(ratios), max(ratios)],
        "faster_by_processor_time": processor[1] / processor[0] if processor[0] else math.nan,
        "ours_mib": ours.peak(),
        "theirs_mib": theirs.peak(),
        "load": os.getloadavg()[0],
    }


def built(*where):
    """The program that Cargo makes, where Cargo puts it."""
    command = ["cargo", *where, "--message-format=json"]
    lines = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = [json.loads(line).get("executable") for line in lines]
    return [program for program in made if program][-1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", metavar="cpu|auto|NAME", help="where ours runs, and burn on the same adapter")
    parser.add_argument("--works", default="host", help=f"of {', '.join(WORKS)}, or works of benches/work, with commas between them")
    parser.add_argument("--burn", nargs="?", const="", metavar="BINARY", help="built here where no binary is given")
    for peer in ("pytorch", "jax", "hypercoil", "nilearn"):
        parser.add_argument(f"--{peer}", metavar="PYTHON")
    parser.add_argument("--peer-device", default="cpu", choices=["cpu", "cuda"], help="where PyTorch and JAX run")
    parser.add_argument("--ours", metavar="BINARY")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, help="hold all sides to so many cores (Linux)")
    parser.add_argument("--json", metavar="FILE", help="keep the figures")
    parser.add_argument("--markdown", metavar="FILE", help="write the table, as benches/README.md has it")
    return parser.parse_args()


def sides(given):
    ours = Side(given.ours or built("bench", "--bench", "ours", "--no-run"), "--device", given.device)
    peers = []
    if given.burn is not None:
        binary = given.burn or built("build", "--release", "--manifest-path", "burn/Cargo.toml")
        peers.append(Side(binary, "--device", ours.device))
        if peers[-1].device != ours.device:
            raise SystemExit(f"burn runs on `{peers[-1].device}`, ours on `{ours.device}`")
    on = ["--device", given.peer_device]
    programs = {"pytorch": ["pytorch_works.py", *on], "jax": ["jax_works.py", *on], "hypercoil": ["jax_works.py", "--hypercoil"]}
    programs["nilearn"] = ["nilearn_works.py"]
    asked = {name: python for name in programs if (python := getattr(given, name))}
    peers += [Side(python, *programs[name], kinds=KINDS.get(name, BASIC)) for name, python in asked.items()]
    return ours, peers


def markdown(found, about):
    """The table: a row for each work and peer."""
    titles = [about["ours"]["side"], *(peer["side"] for peer in about["peers"])]
    lines = [f"{', '.join(titles)}; {about['cores']} cores of {about['machine']}, {about['date']}, {about['rounds']} rounds.", ""]
    lines += ["| work | peer | ours | theirs | faster (rounds) | by processor time | load |", "|---|---|---|---|---|---|---|"]
    for row in found:
        times = "{ours_ms:.3g} ms | {theirs_ms:.3g} ms | {faster:.2f}".format(**row)
        spread = "({:.2f} to {:.2f})".format(*row["spread"])
        end = "{faster_by_processor_time:.2f} | {load:.1f}".format(**row)
        lines.append(f"| {row['work']} | {row['peer'].split()[0]} | {times} {spread} | {end} |")
    return "\n".join(lines) + "\n"


def main():
    given = arguments()
    if given.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    ours, peers = sides(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{ours.title} on {ours.device}; {cores} of {os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; {given.rounds} rounds")
    for peer in peers:
        print(f"{peer.title} on {peer.device}")
    about = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": platform.platform(),
        "cores": cores,
        "rounds": given.rounds,
        "ours": {"side": ours.title, "device": ours.device},
        "peers": [{"side": p.title, "device": p.device} for p in peers],
    }
    columns = f"{'faster':>8}  {'rounds':<15}{'by processor time':>17}{'MiB':>7}{'theirs':>8}{'load':>7}"
    print(f"{'work':<38}{'peer':<12}{'ours ms':>10}{'theirs ms':>11}{columns}")
    found = []
    for work in [work for name in given.works.split(",") for work in WORKS.get(name, [name])]:
        for peer in filter(lambda peer: peer.does(work), peers):
            found.append(row := compare(work, ours, peer, given.rounds))
            span = "{:.2f} to {:.2f}".format(*row["spread"])
            print(
                f"{work:<38}{peer.title.split()[0]:<12}{row['ours_ms']:>10.2f}{row['theirs_ms']:>11.2f}{row['faster']:>8.2f}  {span:<15}"
                f"{row['faster_by_processor_time']:>17.2f}{row['ours_mib']:>7.0f}{row['theirs_mib']:>8.0f}{row['load']:>7.2f}",
                flush=True,
            )
            # A measurement is kept, whatever comes after it.
            if given.json:
                Path(given.json).write_text(json.dumps(about | {"works": found}, indent=1) + "\n")
            if given.markdown:
                Path(given.markdown).write_text(markdown(found, about))


if __name__ == "__main__":
    main()
