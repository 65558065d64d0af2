from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.media.barcode_clips import RECIPES, encoders


@pytest.fixture(scope="session")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a barcode clip, by its name; made once."""
    folder = tmp_path_factory.mktemp("barcode_clips")

    def make(name: str) -> Path:
        recipe = RECIPES[name]
        if recipe.encoder not in encoders():
            pytest.skip(f"this ffmpeg has no encoder {recipe.encoder}")
        return recipe.make(folder)

    return make
