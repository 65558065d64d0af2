"""A server of the OpenAI protocol that knows the truth of scripted scenes, and errs on purpose.

    python benchmarks/erring_teacher.py PORT_FILE STATEMENTS

The name of the model that is asked says how it errs (``Errors``). The file STATEMENTS gets a line
for each thing that a writer stated: which video, what, and whether it was spoilt. The server ends
when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aiohttp import web

from benchmarks import teacher_answers
from benchmarks.many_scenes import number_in
from benchmarks.teacher_errors import Errors

_LABEL = re.compile(r"\[(\d+(?:\.\d+)?) s\]")


@dataclass(frozen=True)
class Asked:
    """One request: its text, the scene of its frames (-1 without frames), the time of the last one
    in seconds, and how many samples from which seed."""

    title: str
    schema: Mapping[str, Any]
    text: str
    scene: int
    now_s: float
    samples: int
    seed: int


class Teacher:
    """Answers requests, and writes down what it stated."""

    def __init__(self, statements: TextIO) -> None:
        """Writes lines to a file that stays open."""
        self._statements = statements
        self._scenes: dict[str, int] = {}

    async def complete(self, request: web.Request) -> web.Response:
        """A chat completion."""
        body = await request.json()
        asked, errors = self._asked(body), Errors.named(body["model"])
        choices = []
        for sample in range(asked.samples):
            answer, stated = teacher_answers.answer(
                *(asked.title, asked.schema, asked.text, asked.scene, asked.now_s),
                errors,
                f"{asked.seed}/{sample}",
            )
            self._statements.writelines(
                json.dumps({"model": body["model"], **each}) + "\n" for each in stated
            )
            message = {"role": "assistant", "content": answer}
            choices.append({"index": sample, "finish_reason": "stop", "message": message})
        self._statements.flush()
        usage = {"prompt_tokens": len(asked.text) // 4, "completion_tokens": 20 * len(choices)}
        return web.json_response({"model": body["model"], "choices": choices, "usage": usage})

    def _asked(self, body: Mapping[str, Any]) -> Asked:
        schema = body["response_format"]["json_schema"]
        content = body["messages"][-1]["content"]
        parts: Sequence[Mapping[str, Any]] = (
            [{"type": "text", "text": content}] if isinstance(content, str) else content
        )
        texts = [part["text"] for part in parts if part["type"] == "text"]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        times = [float(found[1]) for text in texts[:-1] if (found := _LABEL.fullmatch(text))]
        return Asked(
            schema["name"],
            schema["schema"],
            texts[-1],
            self._scene(urls[0]) if urls else -1,
            times[-1] if times else 0.0,
            body["n"],
            body["seed"],
        )

    def _scene(self, url: str) -> int:
        if url not in self._scenes:
            self._scenes[url] = number_in(b64decode(url.partition(",")[2]))
        return self._scenes[url]


async def serve(port_file: Path, statements: TextIO) -> None:
    """Answers until standard input ends."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/v1/chat/completions", Teacher(statements).complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    half = port_file.with_suffix(".half")
    half.write_text(str(runner.addresses[0][1]), encoding="utf-8")
    half.rename(port_file)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("a", encoding="utf-8") as statements:
        asyncio.run(serve(Path(sys.argv[1]), statements))
