"""From a recording to an avatar in one call: prepare, train, evaluate, pack."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .errors import TemplateError
from .evaluate.evaluation import Evaluation, evaluate
from .extras import needing_train_extra
from .package.pack import PackReport, pack_avatar
from .prepare.prepare import REPORT, Preparation, prepare
from .progress import Update
from .spec import LIGHT
from .train.recipe import DEFAULT, Recipe

Stage = Callable[[str, str], AbstractContextManager[Update]]  # a stage's name and unit -> its progress
