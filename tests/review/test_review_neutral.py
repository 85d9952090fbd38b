"""Captured HTML comes out with its words and without anything that could act or call."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.neutral import neutral_css, neutral_html

TAG = re.compile(r"<[a-z][^>]*>")
HARMLESS = re.compile(r'<[a-z][a-z0-9]*( (alt|class|colspan|dir|id|lang|open|rowspan|start|title|style)="[^"]*")*>')
PIECES = [
    "<script>", "</script>", "<svg onload=x>", "</svg>", "<style>", "</style>", "<img src=http://e.test/x onerror=y>",
    "<a href='javascript:x'>", "<base href=//e.test>", "<meta http-equiv=refresh content='0;url=//e.test'>",
    "<form action=//e.test>", "<input autofocus onfocus=x>", "<iframe srcdoc='<b>'>", "<math><mtext>", "<!--", "-->",
    "<![CDATA[", "]]>", "<table>", "<td background=//e.test/b>", "<title>", "<textarea>", "<noscript>", "<p style=\"",
    "background:url(//e.test)", "\">", "@import '//e.test';", "u\\72l(//e.test)", "<template>", "<plaintext>", "CMU",
    "\0",
    "<object data=//e.test>", "<video poster=//e.test>", "<link rel=stylesheet href=//e.test>", "<xmp>", "'", '"', "é",
]  # fmt: skip


def test_words_and_simple_layout_stay() -> None:
    source = "<html><body><h1 class=t>Dr Exemple</h1><p>CMU <b>non</b> acceptée &amp; fin</p><br></body></html>"
    assert '<h1 class="t">Dr Exemple</h1><p>CMU <b>non</b> acceptée &amp; fin</p><br>' in neutral_html(source)


@pytest.mark.parametrize(
    "source", ["", " ", "\0", "<", "<!doctype html>", "<p>", "<" * 1000, "<div>" * 5000, "</p></p>"]
)
def test_bad_html_never_raises(source: str) -> None:
    assert neutral_html(source).startswith("<!doctype html>")


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_nothing_that_acts_or_calls_comes_through(source: str) -> None:
    page = neutral_html(source)
    body = page.split("<body>", 1)[1]
    for tag in TAG.findall(body):
        assert HARMLESS.fullmatch(tag), tag
    assert "<style" not in body and "<script" not in page
    style = page.split("<style>", 1)[1].split("</style>", 1)[0]
    assert "url(" not in style and "@import" not in style and "\\" not in style


def test_no_element_swallows_the_words_after_it() -> None:
    for tag in (
        "embed",
        "video",
        "audio",
        "object data=x",
        "source",
        "my-widget",
        "input",
        "select",
        "foo:bar",
        "blink",
    ):
        assert "CMU non acceptée" in neutral_html(f"<div><{tag}><p>CMU non acceptée</p></div>"), tag


@pytest.mark.parametrize(
    "css",
    ["@import 'x.css';", "@import url(x)", "a{b:url(//e.test)}", "a{b:u\\72l(//e.test)}", "a{b:URL( 'x' )}",
     "@im/**/port 'x';", "a{b:image-set('x' 1x)}", "</style><script>", "@import 'never closed", "a{b:url(x"],
)  # fmt: skip
def test_css_keeps_nothing_that_names_a_resource(css: str) -> None:
    assert not re.search(r"url|import|image-set|<|\\", neutral_css(css), re.IGNORECASE)


def test_harmless_css_and_data_images_stay() -> None:
    pixel = "data:image/png;base64,iVBORw0KGgo="
    page = neutral_html(f'<style>p{{color:red}}</style><p style="color:blue"><img src="{pixel}" alt=x>')
    assert "p{color:red}" in page and 'style="color:blue"' in page and f'src="{pixel}"' in page
    assert "src=" not in neutral_html('<img src="data:image/svg+xml;base64,AAAA"><img src="https://e.test/x.png">')
