"""The command ``turnwise`` of an installation: ``pipeline/run.py``, wherever it lies."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line; returns the exit status."""
    here = Path(__file__).resolve().parent
    installed = here / "turnwise"
    sys.path.insert(0, str(installed if installed.is_dir() else here))
    from pipeline.run import main_process  # noqa: PLC0415  found only now

    return main_process()
