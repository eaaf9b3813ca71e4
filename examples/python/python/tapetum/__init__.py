"""Differentiable functional connectomics on any GPU.

Arrays are NumPy's, with time in rows as nilearn has it: series are ``[time, regions]``. A computation runs on ``device``: ``None`` or
``"auto"`` for a GPU where there is one and else the cores of this machine, ``"cpu"``, an adapter's name, or a :class:`Device`.
"""

from . import topology
from ._tapetum import (
    Adam,
    Device,
    Init,
    Program,
    Schedule,
    Sgd,
    State,
    Tape,
    Var,
    __version__,
    devices,
    parcellate,
)
from .connectivity import ConnectivityMeasure
from .signal import clean
from .workflow import Result, Workflow

__all__ = [
    "Adam",
    "ConnectivityMeasure",
    "Device",
    "Init",
    "Program",
    "Result",
    "Schedule",
    "Sgd",
    "State",
    "Tape",
    "Var",
    "Workflow",
    "__version__",
    "clean",
    "devices",
    "parcellate",
    "topology",
]
