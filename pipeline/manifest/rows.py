"""From the decision on a video to its row, or to the counts and rejects of why it has none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.manifest.adapters.entry import Entry, RawAnnotation
from pipeline.manifest.reasons import WITHOUT_FILE
from pipeline.manifest.reconcile.candidates import Decided
from pipeline.manifest.reconcile.entry_store import VideoEntries
from pipeline.manifest.rules import Judged, judge
from pipeline.manifest.survey import Making, platform_ids, video_id_of
from pipeline.records import ManifestRow


def row_of(
    making: Making, video: VideoEntries, decided: Decided, start: Path
) -> tuple[ManifestRow, str] | None:
    """The row of a video and its family of licences; None, counted, where it has no row.

    ``start`` is the folder that relative paths start from.
    """
    account, mine = making.account, video.of_its_split
    for file, entry in video.entries:
        if entry.split != video.split:
            detail = f"{entry.split} here, {video.split} elsewhere"
            making.reject_entry(entry, file, "other_split", detail)
    if decided.status == "left_out":
        making.leave_out([entry for _, entry in mine], decided.reason)
        return None
    if decided.status:
        for file, entry in mine:
            making.reject_entry(entry, file, decided.reason, decided.detail)
        if decided.reason in WITHOUT_FILE:
            # What the rules refuse is refused whether or not the file is at hand.
            before = account.refused.total()
            _judged(making, video.name, mine)
            account.without_row -= account.refused.total() - before
        return None
    platforms = platform_ids(mine)
    terms = making.terms(platforms)
    account.written += len(mine)
    account.rows[terms.licence] += 1
    if len(platforms) > 1:
        account.notes["platform_differs"] += 1
    account.without_split += video.unassigned
    if video.unassigned and making.rules.unassigned == "train":
        account.notes["no_split_so_train"] += 1
    clip = decided.clip or (0.0, None)
    judged = _judged(making, video.name, mine)
    for one in judged.accepted:
        account.accepted[one.kind, one.origin] += 1
    if judged.mended:
        account.mended.update(judged.mended)
    row = ManifestRow.trusted({
        "video_id": video_id_of(making, video),
        "uri": uri_of(decided.path, start),
        "platform_id": platforms[0] if platforms else "",
        "identity": decided.identity,
        "clip_start_s": clip[0],
        "clip_end_s": clip[1],
        "source": making.name,
        "licence": terms.licence,
        "split": video.split,
        "annotations": list(judged.accepted),
        "clips": (),
    })  # fmt: skip
    return row, terms.family


def uri_of(uri: str, start: Path) -> str:
    """An absolute uri in a manifest of the folder ``start``: relative to it where it is below."""
    folder = f"{start.as_posix().rstrip('/')}/"
    below = uri.removeprefix(folder)
    if below == uri:
        return uri
    # Without "./", a name may look like an option of a program or like a scheme.
    return f"./{below}" if below[0] == "-" or ":" in below.partition("/")[0] else below


def _judged(making: Making, name: str, entries: Sequence[tuple[str, Entry]]) -> Judged:
    """The annotations by the rules; those that are refused are counted, and written as rejects."""
    account = making.account
    keep_all = "model-written" not in making.wanted.without
    raw, pointers = list[RawAnnotation](), list[str]()
    for file, entry in entries:
        for one in entry.annotations:
            if keep_all or one.origin != "model":
                raw.append(one)
                pointers.append(f"{file}#{one.pointer}")
            else:
                account.refused["model_written"] += 1
    judged = judge(raw, making.rules, pointers)
    for refused in judged.refused:
        account.refused[refused.reason] += 1
        making.reject(name, refused.pointer, refused.reason, refused.detail)
    return judged
