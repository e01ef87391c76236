"""What the documentation site shows beside docs/: pages of the repository, and the reference, which is generated.

A page of the repository has the path on the site that it has in the repository, so its relative links and pictures
work in both. A link of a page in docs/ to such a file is written as the repository has it ("../results/small"); here it
becomes what it is on the site. A link to a file that the site does not show becomes its text.
"""

import posixpath
import re
import sys
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
# Folders and files that the site shows as they are.
SHOWN = ("results", "analysis", "benchmarks/README.md", "benchmarks/results", "sweeps", "gin_configs", "examples")
PAGES = ("CHANGELOG.md", "CONTRIBUTING.md")
SUFFIXES = {".md", ".png", ".gif", ".csv", ".gin", ".txt", ".json", ".sh", ".sbatch", ".yaml", ".parquet"}
LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^)\s]+)\)")
SOURCE = re.compile(r'src="(?P<target>[^"]+)"')


def on_files(files, config):
    for path in shown():
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    for path, text in _reference().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Relative links are those of the repository; they become those of the site."""
    here = in_repository(page.file.src_uri)
    on_site = {in_repository(file.src_uri): file.src_uri for file in files}
    fenced = re.split(r"(^```.*?^```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    fenced[::2] = [linked(part, here, page.file.src_uri, on_site) for part in fenced[::2]]
    return "".join(fenced)


def shown() -> list[str]:
    """The paths of the repository that the site shows, beside those in docs/."""
    found = [
        path for name in SHOWN for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    kept = [path.relative_to(ROOT).as_posix() for path in found if path.is_file() and path.suffix in SUFFIXES]
    return sorted([*kept, *(name for name in PAGES if (ROOT / name).is_file())])


def in_repository(uri: str) -> str:
    """Where in the repository a file of the site lies; a generated one lies nowhere, and counts as one of docs/."""
    return uri if uri.startswith(SHOWN) or uri in PAGES else f"docs/{uri}"


def linked(text: str, here: str, uri: str, on_site: dict[str, str]) -> str:
    """The text of the page `uri`, which lies at `here` in the repository, with the links of the site."""

    def target_on_site(target: str) -> str | None:
        """The link on the site; None if the site does not show the file, which is there."""
        path, mark, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return target
        there = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
        for known in (there, f"{there}/README.md", f"{there}/index.md"):
            if known in on_site:
                return posixpath.relpath(on_site[known], posixpath.dirname(uri) or ".") + mark + anchor
        return None if (ROOT / there).exists() else target

    def link(match: re.Match) -> str:
        target = target_on_site(match["target"])
        return match["text"] if target is None else f"{match['image']}[{match['text']}]({target})"

    def source(match: re.Match) -> str:
        return f'src="{target_on_site(match["target"]) or match["target"]}"'

    return SOURCE.sub(source, LINK.sub(link, text))


def _reference() -> dict[str, str]:
    sys.path.insert(0, str(Path(__file__).parent))
    try:
        import reference
    finally:
        sys.path.pop(0)
    return reference.pages()
