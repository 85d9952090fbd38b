"""Make captured HTML inert for a reviewer's eye. It keeps text and simple layout and never tries to be faithful.

A capture is hostile until proved otherwise. The Content-Security-Policy of the replay (`REPLAY_POLICY`) already forbids
scripts, forms and requests in an opaque origin; this module takes them out beforehand as well, by rebuilding the page
from a short list of elements and attributes: no tag and no attribute that is not on the list comes through.
"""

from __future__ import annotations

import re
from html import escape

from lxml import etree

REPLAY_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
LARGEST = 8 * 1024 * 1024  # characters of HTML shown as a page; beyond it the text view and the download remain

_KEPT = frozenset(
    """a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div
    dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li main mark nav ol p pre q s
    samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr""".split()  # noqa: SIM905
)
# Their contents are no words of the page, or are not read as HTML. The words inside any other unknown element stay:
# the parser is older than HTML 5 and nests what follows an unclosed <embed> or a custom element inside it.
_DROPPED = frozenset(("script", "style", "template", "iframe", "svg", "math", "title", "noframes", "noembed"))
_VOID = frozenset(("br", "col", "hr", "img", "wbr"))
_ATTRIBUTES = frozenset(("alt", "class", "colspan", "dir", "id", "lang", "open", "rowspan", "start", "title"))
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_IMPORT = re.compile(r"@import[^;]*(?:;|\Z)", re.IGNORECASE)
_CSS_URL = re.compile(r"url\s*\([^)]*\)", re.IGNORECASE)
_CSS_DANGER = re.compile(r"[\\<]|url\s*\(|@import|@namespace|image-set|\bsrc\s*\(|expression|binding", re.IGNORECASE)


def neutral_html(source: str) -> str:
    """The page as inert HTML: no script, form, frame, link target, meta, base, SVG nor address of any resource.

    Never raises on bad HTML; an empty or unreadable page gives an empty body.
    """
    root = _parse(source)
    body = _rebuild(root) if root is not None else ""
    styles = _styles(root) if root is not None else ""
    return (
        '<!doctype html>\n<html lang="fr">\n<head><meta charset="utf-8"><title>Capture</title>\n'
        f"<style>{styles}</style></head>\n<body>{body}</body>\n</html>\n"
    )


def neutral_css(source: str) -> str:
    """The style sheet without anything that names a resource; empty when it hides one behind an escape."""
    css = _CSS_URL.sub("none", _CSS_IMPORT.sub("", _CSS_COMMENT.sub("", source)))
    return "" if _CSS_DANGER.search(css) else css


def _parse(source: str) -> etree._Element | None:
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(source.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None


def _rebuild(root: etree._Element) -> str:
    """Walk the tree once; write the elements on the list, and of the others only the words."""
    out: list[str] = []
    hidden: etree._Element | None = None
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start" and hidden is None:
            if tag in _KEPT:
                out.append(_opening(tag, node))
            elif not tag or tag in _DROPPED:
                hidden = node
                continue
            out.append(escape(node.text or ""))
        elif event == "end":
            if hidden is None and tag in _KEPT and tag not in _VOID:
                out.append(f"</{tag}>")
            if hidden is node:
                hidden = None
            if hidden is None and node is not root:
                out.append(escape(node.tail or ""))
    return "".join(out)


def _opening(tag: str, node: etree._Element) -> str:
    kept = [(str(name), str(value)) for name, value in node.attrib.items() if str(name) in _ATTRIBUTES]
    source = str(node.attrib.get("src", "")) if tag == "img" else ""
    if _DATA_IMAGE.match(source):
        kept.append(("src", source))
    style = neutral_css(str(node.attrib.get("style", "")))
    if style:
        kept.append(("style", style))
    return "<" + tag + "".join(f' {name}="{escape(value)}"' for name, value in kept) + ">"


def _styles(root: etree._Element) -> str:
    return "\n".join(filter(None, (neutral_css("".join(map(str, node.itertext()))) for node in root.iter("style"))))
