"""What the site has beside the files of docs/: the reference, and documents of the repository.

A link that leaves docs/ is one to a file of the repository, so that it works where the sources are
read too. Here it leads to the page of that file, or to the file where the sources are published.
"""

from __future__ import annotations

import os.path
import re
import sys
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.reference import PAGES  # noqa: E402  found only now

DOCUMENTS = {
    "ARCHITECTURE.md": "explanation/architecture.md",
    "SECURITY.md": "explanation/security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
    "data_manifest/README.md": "reference/manifests.md",
    "benchmarks/README.md": "reference/benchmarks.md",
}
"""Documents of the repository, and the pages that they are here."""
FILE = re.compile(r"^<!-- file: (\S+?\.(\w+)) -->$", re.MULTILINE)
"""Stands for a file of the repository, which is shown there."""
LANGUAGES = {"py": "python", "yaml": "yaml", "md": "text"}
LINK = re.compile(r"(?<=\]\()(?!https?://|#)([^)#\s]+)(?=[)#])")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages and the documents."""
    for page, make in PAGES.items():
        files.append(File.generated(config, page, content=make()))
    for document, page in DOCUMENTS.items():
        files.append(File.generated(config, page, content=(ROOT / document).read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with the links that leave docs/ replaced, and the files that it names shown."""
    here = page.file.src_uri
    document = next((name for name, other in DOCUMENTS.items() if other == here), f"docs/{here}")
    branch = f"{config.repo_url}/blob/main".replace("//blob", "/blob")
    linked = LINK.sub(lambda found: target(found[1], document, here, branch), markdown)
    return FILE.sub(lambda found: shown(found[1], LANGUAGES[found[2]]), linked)


def shown(path: str, language: str) -> str:
    """A file of the repository as a block. Raises FileNotFoundError."""
    text = (ROOT / path).read_text("utf-8")
    return f'```{language} title="{path}"\n{text}```'


def target(link: str, document: str, page: str, branch: str) -> str:
    """What stands on ``page`` for a link of ``document``, both relative paths; ``branch`` is where
    the sources are published. A link to nothing stays as it is, and the build reports it."""
    path = os.path.normpath(PurePosixPath(document).parent / link)
    inside = DOCUMENTS.get(path) or (path[len("docs/") :] if path.startswith("docs/") else None)
    if inside is not None:
        return os.path.relpath(inside, PurePosixPath(page).parent)
    return f"{branch}/{path}" if (ROOT / path).exists() else link
