"""Workflows described in JSON, on files or on arrays in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _tapetum


class Metric(NamedTuple):
    """The figures of a metric: one for each fold, over the subjects of training and of test, and over all tested; None where undefined."""

    train: list[float | None]
    test: list[float | None]
    pooled: float | None


class Result(Mapping[str, NDArray[np.float32]]):
    """The values that a workflow asks for, by name, with its metrics and losses.

    Attributes
    ----------
    metrics : the metrics by name.
    names : the names of the regions along the axes of a value, where a file gives them.
    losses : for each fold, the loss and its terms by name, a number for each step.
    folds : for each fold, the subjects that were trained on and those that were tested on.
    warnings : lines to read before the numbers are trusted.
    undefined : why figures are undefined, a line for each.
    condition : the largest condition number of what was inverted, or None.
    on_host : whether the run was made on the cores because a GPU's single precision would not do.
    """

    def __init__(self, found: dict[str, Any]) -> None:
        self._values: dict[str, NDArray[np.float32]] = found["values"]
        self.metrics = {name: Metric(**figures) for name, figures in found["metrics"].items()}
        self.names: dict[str, list[str]] = found["names"]
        self.losses: list[dict[str, NDArray[np.float32]]] = found["losses"]
        self.folds: list[tuple[list[int], list[int]]] = found["folds"]
        self.warnings: list[str] = found["warnings"]
        self.undefined: list[str] = found["undefined"]
        self.condition: float | None = found["condition"]
        self.on_host: bool = found["on_host"]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}: {list(value.shape)}" for name, value in self.items())
        return f"Result({shapes}; metrics: {', '.join(self.metrics) or 'none'})"


class Workflow:
    """A workflow: a dictionary, or the path of a JSON file.

    ``settings`` are values by their place, such as ``{"train.steps": 100}``. Files that a dictionary names are looked for in ``folder``.
    """

    def __init__(
        self,
        workflow: Mapping[str, Any] | str | os.PathLike[str],
        *,
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        folder: str | os.PathLike[str] = ".",
    ) -> None:
        is_path = isinstance(workflow, (str, os.PathLike))
        self._source = {
            "text": None if is_path else json.dumps(workflow, allow_nan=False),
            "path": os.fspath(workflow) if isinstance(workflow, (str, os.PathLike)) else os.fspath(folder),
            "seed": seed,
            "settings": [(place, json.dumps(value, allow_nan=False)) for place, value in (settings or {}).items()],
        }

    def check(self, arrays: Mapping[str, ArrayLike] | None = None) -> tuple[int, int, int]:
        """Reads the workflow and its data and checks all of it; the numbers of subjects, of folds and of steps."""
        return _tapetum.check_workflow({**self._source, "arrays": dict(arrays or {})})

    def run(
        self,
        arrays: Mapping[str, ArrayLike] | None = None,
        *,
        callback: Callable[[int, int, float], object] | None = None,
        device: Any = None,
    ) -> Result:
        """Runs the workflow on ``arrays``, which its entries ``{"input": NAME}`` name.

        ``callback(fold, step, loss)`` is called every few steps; an exception that it raises ends the run, and so does an interrupt.
        """
        return Result(_tapetum.run_workflow({**self._source, "arrays": dict(arrays or {})}, device, callback))


def schema() -> dict[str, Any]:
    """The JSON Schema of workflows."""
    found: dict[str, Any] = json.loads(_tapetum.workflow_schema())
    return found
