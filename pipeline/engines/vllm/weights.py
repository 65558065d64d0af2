"""Weights of models: the commit that a name on the Hugging Face Hub stands for, and its files here.

The cache is that of the Hub's own client (``HF_HOME``), where vLLM looks for them. A file that is
half there is gone on with.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils.tqdm import disable_progress_bars

from pipeline.engines.vllm.model_files import cache_folder, cached_file

OTHER_FORMS = ("*.bin", "*.pt", "*.pth", "*.gguf", "*.h5", "*.msgpack", "*.onnx", "original/*")
"""The same weights once more, in forms that vLLM does not read where there are safetensors."""
SPARE_BYTES = 1 << 30
"""Left free on the disk of the cache."""


class WeightsError(OSError):
    """Weights cannot be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class Weights:
    """A model at a commit, and the sizes in bytes of the files of it that vLLM reads, by path."""

    model: str
    commit: str
    sizes: tuple[tuple[str, int], ...]

    @property
    def size_bytes(self) -> int:
        """Of all of them."""
        return sum(size for _, size in self.sizes)


def resolve(model: str, revision: str) -> Weights:
    """Ask the Hub which commit a revision is; an empty one is the newest of the main branch.

    Raises:
        WeightsError: the Hub does not say.
    """
    with _explained(model, revision):
        info = HfApi().model_info(model, revision=revision or None, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if any(path.endswith(".safetensors") for path in sizes):
        sizes = {
            p: n for p, n in sizes.items() if not any(fnmatch(p, form) for form in OTHER_FORMS)
        }
    return Weights(model, str(info.sha), tuple(sorted(sizes.items())))


def fetch(weights: Weights) -> Path:
    """Download what is not here yet; returns the folder of the files.

    Raises:
        WeightsError: it cannot be downloaded, or the disk of the cache has no space for it.
    """
    disable_progress_bars()
    model, commit = weights.model, weights.commit
    need = sum(size for path, size in weights.sizes if not cached_file(model, path, commit))
    cache = cache_folder()
    free = shutil.disk_usage(
        next(place for place in (cache, *cache.parents) if place.exists())
    ).free
    if need + SPARE_BYTES > free:
        raise WeightsError(
            f"{model}: {gigabytes(need)} are to come, and {cache} has {gigabytes(free)} free:"
            " free some, or set HF_HOME to a larger disk"
        )
    with _explained(model, commit):
        return Path(
            HfApi().snapshot_download(
                model, revision=commit, allow_patterns=[_literal(path) for path, _ in weights.sizes]
            )
        )


def fetch_all(wanted: Sequence[Weights]) -> tuple[list[str], list[str]]:
    """Fetch these: a line for each that is here, and one for each that could not be had."""
    done: list[str] = []
    wrong: list[str] = []
    for weights in wanted:
        try:
            done.append(f"{weights.model}: {fetch(weights)}")
        except WeightsError as error:
            wrong.append(str(error))
    return done, wrong


def gigabytes(size_bytes: int) -> str:
    """For people, with the unit."""
    return f"{size_bytes / 1e9:.1f} GB"


def _literal(path: str) -> str:
    """The pattern that a path alone matches."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


@contextmanager
def _explained(model: str, revision: str) -> Iterator[None]:
    """Errors of the Hub's client as a WeightsError."""
    try:
        yield
    except GatedRepoError as error:
        advice = f"accept its terms at {constants.ENDPOINT}/{model} and set HF_TOKEN"
        raise WeightsError(f"{model} is gated: {advice}") from error
    except RepositoryNotFoundError as error:
        advice = "correct `model`, or set HF_TOKEN if it is private"
        raise WeightsError(
            f"there is no model {model} at {constants.ENDPOINT}: {advice}"
        ) from error
    except RevisionNotFoundError as error:
        raise WeightsError(f"{model} has no revision {revision}: correct `revision`") from error
    except HFValidationError as error:
        advice = "correct `model`; a folder must exist"
        raise WeightsError(f"{model} is no name of a model on the Hub: {advice}") from error
    except OfflineModeIsEnabled as error:
        advice = "unset HF_HUB_OFFLINE, or copy the cache of a machine that has them"
        raise WeightsError(f"{model}: the Hub's client is set offline: {advice}") from error
    except HfHubHTTPError as error:
        said = " ".join(str(error.server_message or error).split())
        raise WeightsError(
            f"{model}: {constants.ENDPOINT} answers {error.response.status_code} {said}:"
            " call the same command again, it goes on where it stopped"
        ) from error
    except (HTTPError, OSError, ValueError) as error:
        said = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
        raise WeightsError(
            f"{model}: {constants.ENDPOINT} or the cache {cache_folder()} fails: {said}: call the"
            " same command again, it goes on where it stopped"
        ) from error
