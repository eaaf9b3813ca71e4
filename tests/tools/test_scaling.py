"""Holds examples/cluster/scaling.py to cases worked by hand: python3 tests/tools/test_scaling.py"""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES / "cluster"))
import scaling  # noqa: E402
from scaling import Cluster, Link, Work  # noqa: E402

# 1 s a message and 10 bytes a second within a node of four, 2 s and 5 bytes a second between nodes; 100 bytes added in a second.
SLOW = Cluster(per_node=4, within=Link(1.0, 10.0), between=Link(2.0, 5.0), adding=100.0, copying=50.0)
# No message takes time, and nothing is added: the bytes of the network alone.
BYTES = Cluster(per_node=1, within=Link(0.0, 1.0), between=Link(0.0, 1.0), adding=float("inf"), copying=float("inf"))


class Sums(unittest.TestCase):
    def test_one_rank_sums_nothing(self):
        for way in scaling.SUMS.values():
            self.assertEqual(way(SLOW, 1, 80), 0)

    def test_two_ranks_of_a_node(self):
        # 40 bytes there and back: 1 + 4, and 4 more by the ring that returns them; one round, so six short messages; 40 bytes added.
        self.assertAlmostEqual(scaling.exchange(SLOW, 2, 80), 5 + 4 + 6 + 0.4)
        # Recursive doubling: 80 bytes in one round.
        self.assertAlmostEqual(scaling.doubling(SLOW, 2, 80), 1 + 8 + 0.8)
        # Rabenseifner: 40 bytes there, 40 back.
        self.assertAlmostEqual(scaling.halving(SLOW, 2, 80), 2 * (1 + 4) + 0.4)
        self.assertAlmostEqual(scaling.ring(SLOW, 2, 80), 2 * (1 + 4) + 0.4)

    def test_eight_ranks_of_two_nodes(self):
        # Pieces of 10 bytes: three to ranks of the node, four to the other node, of which four ranks share 5 bytes a second.
        sent = 3 * (1 + 1) + 4 * (2 + 4 * 10 / 5)
        self.assertAlmostEqual(scaling.exchange(SLOW, 8, 80), sent + 7 * 10 / 5 + 6 * 3 * 2 + 7 * 0.1)
        # Distances 1 and 2 in the node, 4 between the nodes.
        self.assertAlmostEqual(scaling.doubling(SLOW, 8, 80), 2 * (1 + 8) + (2 + 4 * 80 / 5) + 3 * 0.8)
        self.assertAlmostEqual(scaling.halving(SLOW, 8, 80), 2 * ((1 + 4) + (1 + 2) + (2 + 4 * 10 / 5)) + 0.4 + 0.2 + 0.1)
        self.assertAlmostEqual(scaling.ring(SLOW, 8, 80), 14 * (2 + 2) + 7 * 0.1)

    def test_bytes_are_those_of_the_paper(self):
        # Thakur et al. 2005: n lg p by recursive doubling, 2 n (p - 1)/p by the others.
        self.assertEqual(scaling.doubling(BYTES, 8, 80), 80 * 3)
        for way in [scaling.halving, scaling.ring, scaling.exchange]:
            self.assertEqual(way(BYTES, 8, 80), 2 * 80 * 7 / 8)

    def test_ranks_that_are_no_power_of_two_take_another_round(self):
        self.assertEqual([len(scaling.distances(ranks)) for ranks in [1, 2, 3, 4, 5, 8, 9, 512]], [0, 1, 2, 2, 3, 3, 4, 9])


class Steps(unittest.TestCase):
    WORK = Work("work", size=80, subject=3.0, fixed=2.0, source="")

    def test_a_step_is_its_subjects_the_sum_and_two_copies(self):
        # 10 subjects over 4 ranks: three at most.
        compute, summed = scaling.step(self.WORK, SLOW, 4, (10, None), "ring")
        self.assertEqual(compute, 2 + 3 * 3)
        self.assertAlmostEqual(summed, 6 * (1 + 2) + 3 * 0.2 + 2 * 80 / 50)
        self.assertEqual(scaling.step(self.WORK, SLOW, 1, (10, None), "ring"), (32, 0))

    def test_each_microbatch_is_copied_and_added(self):
        # Ten microbatches over four ranks: three vectors are copied out and one back, and two are added to the first.
        compute, summed = scaling.step(self.WORK, SLOW, 4, (10, 10), "ring")
        self.assertEqual(compute, 3 * 2 + 3 * 3)
        self.assertAlmostEqual(summed, 6 * (1 + 2) + 3 * 0.2 + 4 * 80 / 50 + 2 * 80 / 100)
        # One rank has all of them.
        self.assertAlmostEqual(scaling.step(self.WORK, SLOW, 1, (10, 10), "ring")[1], 11 * 80 / 50 + 9 * 80 / 100)

    def test_speed_up_and_efficiency(self):
        [alone, four] = scaling.table(self.WORK, SLOW, [1, 4], (10, None), "ring")
        self.assertEqual(alone[-2:], (1, 1))
        self.assertAlmostEqual(four[-2], 32 / (11 + 18 + 0.6 + 3.2))
        self.assertAlmostEqual(four[-1], four[-2] / 4)


class Parameters(unittest.TestCase):
    def test_the_examples_have_so_many(self):
        # Counted by hand from examples/*.json.
        expected = {
            "brain_states": (94 * 6, 4 * 355),
            "prediction": (64 * 64 + 168 + 2 * (64 * 63 // 2 + 1), 0),
            "denoising": (9 * 46, 0),
            "c_elegans": (16 * 32 + 22 * 32 + 4 * 32 * 32 + 32 + 64 * 4 + 352 * 4 + 4, 0),
        }
        for name, sizes, _, _ in scaling.WORKFLOWS:
            self.assertEqual(scaling.parameters(EXAMPLES / f"{name}.json", sizes), expected[name], name)

    def test_a_parameter_that_is_not_learnt_does_not_count(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "w.json"
            shapes = {"a": {"shape": [2, "x[-1]"]}, "b": {"shape": [7], "learn": False}, "c": {"shape": []}}
            path.write_text(json.dumps({"parameters": shapes}))
            self.assertEqual(scaling.parameters(path, {"x": (3, 5)}), (11, 0))
            for sizes in [{}, {"x": ()}]:
                with self.assertRaisesRegex(SystemExit, "x\\[-1\\] is not known"):
                    scaling.parameters(path, sizes)
        with self.assertRaisesRegex(SystemExit, "a workflow in JSON is expected"):
            scaling.parameters(Path(folder) / "none.json", {})


def printed(*line):
    """What a command line prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        scaling.main(line)
    return said.getvalue()


class CommandLine(unittest.TestCase):
    def test_the_table_has_all_works(self):
        works = json.loads(printed("--json"))["works"]
        self.assertEqual(len(works), 7)
        for work in works:
            self.assertEqual([row["gpus"] for row in work["rows"]], [1, 8, 64, 512])
            self.assertTrue(all(0 < row["efficiency"] <= 1 for row in work["rows"]))
        self.assertEqual(works[-2]["gradient_bytes"], 4 * 20484 * 400)

    def test_own_figures(self):
        row = json.loads(printed("--json", "--work", "mine=1e6,2,1", "--gpus", "2", "--subjects", "4", "--within", "0,1e9", "--sum", "ring",
                                 "--adding", "1e9", "--copying", "1e9"))["works"][0]["rows"][0]
        # 1 + 2 x 2 ms; 2 x 0.5 ms of messages, 0.5 ms of additions, 2 ms of copies.
        self.assertAlmostEqual(row["compute_ms"], 5)
        self.assertAlmostEqual(row["sum_ms"], 1 + 0.5 + 2)
        self.assertIn("mine", printed("--work", "mine=1e6,2"))

    def test_times_of_a_bench(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.json"
            steps = [{"name": "step/full_resolution", "wall": {"median_ns": 3e6}}, {"name": "step/gru", "wall": {"median_ns": 1e6}}]
            path.write_text(json.dumps({"steps": steps}))
            [work] = json.loads(printed("--json", "--bench", str(path), "--subjects", "1", "--gpus", "1"))["works"]
            self.assertAlmostEqual(work["rows"][0]["step_ms"], 3)
            for text in ["", "{}", '{"steps": []}', '{"steps": [{}]}']:
                path.write_text(text)
                with self.assertRaises(SystemExit):
                    printed("--bench", str(path))

    def test_wrong_figures_are_refused(self):
        lines = [["--gpus", "0"], ["--parts", "x"], ["--between", "1e-6"], ["--between", "1e-6,0"], ["--adding", "nan"], ["--work", "x=1"],
                 ["--work", "x=1,0"], ["--work", "x=-1,1"], ["--workflow", "w.json"], ["--size", "x"]]
        for line in lines:
            with self.subTest(line=line), contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as ended:
                printed(*line)
            self.assertEqual(ended.exception.code, 2)


if __name__ == "__main__":
    unittest.main()
