"""How to cite a corpus, and the paper whose recipe it follows, as BibTeX."""

from __future__ import annotations

import re

from pipeline.corpus.layout import CardSettings

_PAPER = """\
@misc{xia2025streaming,
  title = {Streaming Video Instruction Tuning},
  author = {Xia, Jiaer and Chen, Peixian and Zhang, Mengdan and Sun, Xing and Zhou, Kaiyang},
  year = {2025},
  eprint = {2512.21334},
  archivePrefix = {arXiv}
}"""
_SPECIAL = re.compile(r"([#$%&_{}])")
_COMMANDS = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def citation(settings: CardSettings) -> str:
    """The corpus, with authors and year where the settings have them, and the paper."""
    fields = {"title": _tex(settings.title), "author": _tex(settings.authors)}
    if settings.year is not None:
        fields["year"] = str(settings.year)
    fields["note"] = "Made with turnwise"
    lines = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields.items() if text)
    key = re.sub(r"\W+", "_", settings.title.lower(), flags=re.ASCII).strip("_") or "corpus"
    return f"@misc{{{key},\n{lines}\n}}\n\n{_PAPER}"


def _tex(text: str) -> str:
    """The text on one line, with nothing that TeX would act on."""
    parts = (_COMMANDS.get(char) or _SPECIAL.sub(r"\\\1", char) for char in " ".join(text.split()))
    return "".join(parts)
