"""The command ``turnwise`` of an installation: ``pipeline/run.py``, wherever it lies."""

import sys
from pathlib import Path


def main() -> int:
    """Run the command line; returns the exit status."""
    here = Path(__file__).resolve().parent
    installed = here / "turnwise"
    sys.path.insert(0, str(installed if installed.is_dir() else here))
    from pipeline.cli.stopping import stop_while_loading  # noqa: PLC0415  found only now

    stop_while_loading()
    from pipeline.run import main_process  # noqa: PLC0415

    return main_process()
