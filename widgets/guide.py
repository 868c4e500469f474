"""Help > User guide: the pages of docs/ in the browser that the person reads everything else in."""

import re
import webbrowser
from collections.abc import Callable
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from markdown_it import MarkdownIt
from markdown_it.token import Token

from explorer.project.atomic import write_atomically

__all__ = ["open_guide", "write_guide"]

_DOCS = Path(__file__).resolve().parents[1] / "docs"
_START = "window"
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} - Latent Explorer</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 17px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto 6rem; padding: 0 1.2rem; }}
nav {{ font-size: 15px; }} nav a {{ margin-right: 1.2rem; }}
img {{ max-width: 100%; height: auto; }}
code, pre {{ font: 15px/1.45 ui-monospace, monospace; }} pre {{ overflow: auto; padding: .8rem; background: #8882; }}
table {{ border-collapse: collapse; }} th, td {{ border-bottom: 1px solid #8886; padding: .3rem .8rem .3rem 0;
text-align: left; vertical-align: top; }}
</style>
<nav>{pages}</nav>
{body}
</html>
"""


def open_guide(say: Callable[[str, str], None]) -> None:
    """Show the guide in the browser.

    Args:
        say: Tells a person where it is when no browser opens it.
    """
    try:
        first = write_guide(_DOCS, Path(platformdirs.user_cache_dir("latent-explorer", appauthor=False)) / "guide")
    except OSError as error:
        say("error", f"The guide cannot be shown: {error.filename}: {error.strerror}. Its pages are in {_DOCS}.")
        return
    if not webbrowser.open(first.as_uri()):
        say("warning", f"No browser was found. The guide is {first}")


def write_guide(docs: Path, folder: Path) -> Path:
    """Make pages of a folder's Markdown, and return the one to begin with.

    Links between pages lead to the pages made; pictures and everything else stay where they are.

    Raises:
        OSError: ``docs`` has no guide, or ``folder`` cannot be written.
    """
    sources = sorted(docs.glob("*.md"), key=lambda path: (path.stem != _START, path.stem))
    titles = {path.stem: _title(path.read_text("utf-8")) for path in sources}
    pages = " ".join(f'<a href="{name}.html">{escape(title)}</a>' for name, title in titles.items())
    folder.mkdir(parents=True, exist_ok=True)
    for path in sources:
        body = _html(path.read_text("utf-8"), docs)
        page = _PAGE.format(title=escape(titles[path.stem]), pages=pages, body=body)
        write_atomically(folder / f"{path.stem}.html", page.encode())
    if _START not in titles:
        raise FileNotFoundError(2, "there is no such file", str(docs / f"{_START}.md"))
    return folder / f"{_START}.html"


def _title(text: str) -> str:
    return text.split("\n", 1)[0].lstrip("# ")


def _html(text: str, docs: Path) -> str:
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = markdown.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content))
        for part in (token, *(token.children or ())):
            _lead(part, docs)
    return str(markdown.renderer.render(tokens, markdown.options, {}))


def _lead(part: Token, docs: Path) -> None:
    """Make a part's link lead to where it points when read in docs."""
    if part.type == "image":
        part.attrSet("src", _target(str(part.attrGet("src")), docs))
    elif part.type == "link_open":
        part.attrSet("href", _target(str(part.attrGet("href")), docs))
    elif part.type in ("html_block", "html_inline"):
        part.content = re.sub(r'(?<=src=")[^"]+', lambda found: _target(found[0], docs), part.content)


def _target(link: str, docs: Path) -> str:
    parts = urlsplit(link)
    if parts.scheme or not parts.path:
        return link
    path = (docs / parts.path).resolve()
    if path.parent == docs and path.suffix == ".md":
        return parts._replace(path=f"{path.stem}.html").geturl()
    return path.as_uri()


def _anchor(heading: str) -> str:
    """The name that links within the pages use, as everywhere where Markdown is shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
