"""Workflows on arrays in memory, held to NumPy and nilearn."""

import json

import numpy as np
import pytest
from nilearn.connectome import ConnectivityMeasure as Nilearn
from sklearn.covariance import EmpiricalCovariance
from tapetum import Workflow
from tapetum.workflow import schema

CONNECTOMES = {
    "data": {"rest": {"input": "rest"}},
    "blocks": [{"name": "connectome", "block": "correlation", "series": "rest"}],
    "results": [{"value": "connectome"}],
}


def series(subjects=6, frames=40, regions=5, seed=0):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(subjects, frames, regions)) @ draw.normal(size=(regions, regions)) + 1000


def learning(steps=30):
    """A weight for each region, fitted to a number of each subject."""
    return {
        "data": {"rest": {"input": "rest"}, "age": {"input": "age", "as": "subjects", "standardise": True}},
        "parameters": {"slopes": {"shape": [5, 5], "init": {"normal": 0.1}}},
        "blocks": [
            {"name": "connectome", "block": "correlation", "series": "rest"},
            {"name": "parts", "block": "multiply", "of": "connectome", "with": "slopes"},
            {"name": "guess", "block": "reduce", "of": "parts", "by": "sum", "axes": [-1, -2]},
            {"name": "apart", "block": "subtract", "of": "guess", "with": "age"},
        ],
        "losses": [{"name": "error", "score": "apart", "reduce": "mean_square"}],
        "train": {"steps": steps, "rate": 0.05},
        "metrics": [{"name": "r2", "metric": "r2", "predicted": "guess", "target": "age"}],
        "results": [{"value": "slopes"}, {"value": "guess"}],
    }


def test_series_in_memory():
    found = Workflow(CONNECTOMES).run({"rest": series()})
    expected = Nilearn(EmpiricalCovariance(), kind="correlation").fit_transform(list(series()))
    assert list(found) == ["connectome"]
    np.testing.assert_allclose(found["connectome"], expected, atol=1e-6)
    turned = json.loads(json.dumps(CONNECTOMES).replace('"input": "rest"', '"input": "rest", "layout": "regions-time"'))
    again = Workflow(turned).run({"rest": series().transpose(0, 2, 1).astype(np.float32)})
    np.testing.assert_allclose(again["connectome"], expected, atol=1e-4)
    one = Workflow(CONNECTOMES).run({"rest": series()[0]})
    np.testing.assert_allclose(one["connectome"], expected[:1], atol=1e-6)


def test_a_workflow_in_a_file(tmp_path):
    path = tmp_path / "workflow.json"
    np.save(tmp_path / "rest.npy", series())
    path.write_text(json.dumps(CONNECTOMES).replace('"input": "rest"', '"series": "rest.npy"'))
    expected = Workflow(CONNECTOMES).run({"rest": series()})["connectome"]
    np.testing.assert_array_equal(Workflow(path).run()["connectome"], expected)
    by_folder = json.loads(path.read_text())
    np.testing.assert_array_equal(Workflow(by_folder, folder=tmp_path).run()["connectome"], expected)


def test_the_names_of_regions_are_kept(tmp_path):
    np.savetxt(tmp_path / "rest.tsv", series()[0], delimiter="\t", header="\t".join("abcde"), comments="")
    workflow = json.loads(json.dumps(CONNECTOMES).replace('"input": "rest"', '"series": "rest.tsv"'))
    found = Workflow(workflow, folder=tmp_path).run()
    assert found.names == {"connectome": list("abcde")}
    np.testing.assert_allclose(found["connectome"][0], np.corrcoef(series()[0].T), atol=1e-6)


def test_training_with_callbacks_and_settings():
    arrays = {"rest": series(), "age": np.arange(6) * 10 + 20}
    seen = []
    found = Workflow(learning(), settings={"train.steps": 40}).run(arrays, callback=lambda *at: seen.append(at))
    assert Workflow(learning()).check(arrays) == (6, 1, 30)
    assert [step for _, step, _ in seen] == [10, 20, 30, 40]
    [losses] = found.losses
    assert losses["loss"].shape == (40,)
    assert losses["loss"][-1] < losses["loss"][0]
    assert seen[-1] == (0, 40, pytest.approx(losses["loss"][-1]))
    guess, age = found["guess"].ravel(), np.arange(6) * 10 + 20
    guess = guess * age.std() + age.mean()
    r2 = 1 - ((age - guess) ** 2).sum() / ((age - age.mean()) ** 2).sum()
    assert found.metrics["r2"].pooled == pytest.approx(r2, abs=1e-3)
    again = Workflow(learning(), settings={"train.steps": 40}).run(arrays)
    np.testing.assert_array_equal(again["slopes"], found["slopes"])
    other = Workflow(learning(), seed=1).run(arrays)
    assert np.abs(other["slopes"] - found["slopes"]).max() > 1e-3


def test_an_exception_of_a_callback_ends_the_run():
    steps = []

    def callback(fold, step, loss):
        steps.append(step)
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        Workflow(learning(1000)).run({"rest": series(), "age": np.arange(6)}, callback=callback)
    assert steps == [10]


@pytest.mark.parametrize(
    ("workflow", "arrays", "error", "message"),
    [
        (CONNECTOMES, {}, ValueError, "no array is called `rest`: none is given"),
        (CONNECTOMES, {"test": series()}, ValueError, "`test` are given"),
        (CONNECTOMES, {"rest": np.zeros(3)}, ValueError, r"data.rest: `rest` is \[3\]"),
        (CONNECTOMES, {"rest": np.full((2, 4, 3), np.nan)}, ValueError, "NaN or infinity"),
        (CONNECTOMES, {"rest": np.array(["a"])}, TypeError, "numbers"),
        ({**CONNECTOMES, "model": 3}, {"rest": series()}, ValueError, "model"),
        ("no such file.json", {}, FileNotFoundError, "no such file.json"),
        (learning(), {"rest": series(), "age": np.arange(5)}, ValueError, "6 subjects|5 subjects"),
        (learning(), {"rest": series(), "age": np.zeros((6, 2))}, ValueError, "standardise"),
    ],
)
def test_what_cannot_be_is_refused(workflow, arrays, error, message):
    with pytest.raises(error, match=message):
        Workflow(workflow).run(arrays)


def test_a_missing_file_of_data(tmp_path):
    workflow = json.loads(json.dumps(CONNECTOMES).replace('"input": "rest"', '"series": "rest.npy"'))
    with pytest.raises(FileNotFoundError, match=r"rest\.npy"):
        Workflow(workflow, folder=tmp_path).run()
    (tmp_path / "rest.npy").mkdir()
    with pytest.raises(IsADirectoryError, match=r"rest\.npy"):
        Workflow(workflow, folder=tmp_path).run()
    (tmp_path / "rest.npy").rmdir()
    (tmp_path / "rest.npy").write_bytes(b"no array")
    with pytest.raises(ValueError, match=r"rest\.npy"):
        Workflow(workflow, folder=tmp_path).run()


def test_a_loss_that_is_not_finite_names_its_step():
    arrays = {"rest": series(), "age": np.arange(6)}
    with pytest.raises(FloatingPointError, match="step [0-9]+ of 30"):
        Workflow(learning(), settings={"train.rate": 1e30}).run(arrays)


def test_the_schema_knows_arrays_in_memory():
    assert "input" in json.dumps(schema())
