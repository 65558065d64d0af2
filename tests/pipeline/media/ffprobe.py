"""What ffprobe says of a video stream, to compare with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path


def stream_facts(path: Path) -> tuple[str, tuple[int, int], int]:
    """Codec, stored size and rotation (clockwise) of the first stream that is no cover picture."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-select_streams", "V", "-of", "json"]
    done = subprocess.run([*command, str(path)], capture_output=True, check=True)
    stream = json.loads(done.stdout)["streams"][0]
    data = stream.get("side_data_list", [])
    turns = [round(one["rotation"]) for one in data if "rotation" in one]
    return stream["codec_name"], (stream["width"], stream["height"]), -sum(turns[:1]) % 360
