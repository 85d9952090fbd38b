"""Drive the one page of a visit: open it, let it settle, take image, PDF, document and text. It judges nothing.

What looks into the page runs in a world of its own, where the page's scripts cannot change what is read.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, TypeVar

from crawler.browser.devtools import CallFailed, CallSlow, Devtools
from crawler.browser.order import Limits
from crawler.browser.outcomes import CleanOutcome, VisitEnded
from crawler.browser.traffic import Traffic
from ledger.clean_facts import Piece

T = TypeVar("T")
WIDTH, HEIGHT = 1280, 900  # CSS pixels of the window
WIDEST = 4000
_POLL = 0.02  # seconds
_SHEET = '<span class="pageNumber"></span>/<span class="totalPages"></span>'
_TEXT = "(() => { const b = document.body || document.documentElement; return b ? b.innerText.slice(0, %d) : ''; })()"
_SCROLL = "(() => { window.scrollTo(0, %d); return true; })()"


class Page:
    """The page. `trouble` is set once by what must end the visit: a crash, a download, endless dialogs."""

    def __init__(self, devtools: Devtools, limits: Limits) -> None:
        """A page of that browser; `open` finds it."""
        self._devtools, self._limits = devtools, limits
        self.session = self.target = self.frame = self._agent = ""
        self.trouble: VisitEnded | None = None
        self.loaded = False
        self.dialogs = self.popups = 0
        self._world = 0
        devtools.handlers.append(self._event)

    def _event(self, method: str, params: dict[str, Any], session: str) -> None:
        if method == "Page.loadEventFired" and session == self.session:
            self.loaded = True
        elif method == "Page.javascriptDialogOpening":
            self._dialog(session)
        elif method in ("Browser.downloadWillBegin", "Page.downloadWillBegin"):
            self.end(CleanOutcome.DOWNLOAD, f"a download was begun ({str(params.get('suggestedFilename', ''))[:80]})")
        elif method == "Inspector.targetCrashed" or (
            method == "Target.targetCrashed" and params.get("targetId") == self.target
        ):
            self.end(CleanOutcome.CRASHED, "the page's process crashed")
        elif method == "Target.targetCreated":
            self._window(params["targetInfo"])
        elif method == "Target.attachedToTarget" and session:
            asyncio.get_running_loop().create_task(self._follow(params["sessionId"]))

    def _dialog(self, session: str) -> None:
        self.dialogs += 1
        self._devtools.tell("Page.handleJavaScriptDialog", {"accept": False}, session)
        if self.dialogs > self._limits.dialogs:
            self.end(CleanOutcome.DIALOGS, f"more than {self._limits.dialogs} dialogs")

    def _window(self, info: dict[str, Any]) -> None:
        """A window the page opened is closed unread."""
        if info.get("type") == "page" and self.target and info["targetId"] != self.target:
            self.popups += 1
            self._devtools.tell("Target.closeTarget", {"targetId": info["targetId"]})

    def end(self, outcome: CleanOutcome, reason: str) -> None:
        """End the visit for that reason; the first counts."""
        if self.trouble is None:
            self.trouble = VisitEnded(outcome, reason)

    async def call(self, method: str, seconds: float = 0.0, **params: Any) -> dict[str, Any]:
        """A call about this page, given up at once when the page is in trouble."""
        return await self.unless_trouble(
            self._devtools.call(method, params, self.session, seconds or self._limits.step_seconds)
        )

    async def unless_trouble(self, work: Awaitable[T]) -> T:
        """The result of `work`; raises what is the trouble as soon as there is one."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=_POLL)
            if self.trouble is not None and not task.done():
                task.cancel()
                raise self.trouble
        return task.result()

    async def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """True as soon as `until` holds, False when it does not within `seconds`. Raises the trouble."""
        end = asyncio.get_running_loop().time() + seconds
        while not until():
            if self.trouble is not None:
                raise self.trouble
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(_POLL)
        return True

    async def open(self, agent: str) -> None:
        """Take hold of the browser's one blank page and set it up."""
        targets = (await self._devtools.call("Target.getTargets"))["targetInfos"]
        self._agent = agent
        self.target = next(one["targetId"] for one in targets if one["type"] == "page")
        attached = await self._devtools.call("Target.attachToTarget", {"targetId": self.target, "flatten": True})
        self.session = attached["sessionId"]
        await self._devtools.call("Target.setDiscoverTargets", {"discover": True})
        deny = {"behavior": "deny", "eventsEnabled": True}
        await self._devtools.call("Browser.setDownloadBehavior", deny)
        for method in ("Page.enable", "Inspector.enable", "DOM.enable"):
            await self.call(method)
        await self._observe(self.session)
        self.frame = (await self.call("Page.getFrameTree"))["frameTree"]["frame"]["id"]
        screen = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        await self.call("Emulation.setDeviceMetricsOverride", **screen)

    async def _observe(self, session: str) -> None:
        """Have the network events of a target told, and ask for bodies that are not packed."""
        for method, params in (
            (
                "Network.enable",
                {
                    "maxTotalBufferSize": self._limits.traffic_bytes * 2,
                    "maxResourceBufferSize": self._limits.traffic_bytes,
                },
            ),
            ("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": "identity"}}),
            ("Network.setUserAgentOverride", {"userAgent": self._agent, "acceptLanguage": "fr-FR,fr"}),
            ("Network.setBypassServiceWorker", {"bypass": True}),
            ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
        ):
            try:
                await self._devtools.call(method, params, session)
            except CallFailed:  # a worker knows fewer methods than a page
                continue

    async def _follow(self, session: str) -> None:
        """A frame or worker the page made: it waits until it is observed."""
        try:
            await self._observe(session)
        except (CallSlow, VisitEnded):
            return
        self._devtools.tell("Runtime.runIfWaitingForDebugger", {}, session)

    async def navigate(self, url: str) -> str:
        """Go to `url`; empty when a page began, else the browser's error (net::ERR_…)."""
        try:
            answer = await self.call("Page.navigate", self._limits.navigate_seconds, url=url)
        except CallSlow as error:
            raise VisitEnded(
                CleanOutcome.TIMED_OUT, f"no page began within {self._limits.navigate_seconds:g} s"
            ) from error
        text = str(answer.get("errorText", ""))
        if text or answer.get("isDownload"):
            await self.wait(lambda: False, 0.2)  # the event that says why may come after the answer
        return text

    async def accept_packed(self) -> None:
        """Ask as browsers do, for packed bodies too, and for nothing that is in the cache already."""
        self.loaded = False
        await self.call("Network.setExtraHTTPHeaders", headers={})
        await self.call("Network.setCacheDisabled", cacheDisabled=True)

    async def settle(self, traffic: Traffic) -> bool:
        """Wait for the page to load and the network to fall quiet; True when it loaded in time."""
        loaded = await self.wait(lambda: self.loaded, self._limits.load_seconds)
        await self.quiet(traffic)
        return loaded

    async def quiet(self, traffic: Traffic) -> None:
        """Wait until nothing has been under way for a third of a second, or for as long as allowed."""
        end = asyncio.get_running_loop().time() + self._limits.quiet_seconds
        while asyncio.get_running_loop().time() < end:
            if await self.wait(
                lambda: not traffic.open, end - asyncio.get_running_loop().time()
            ) and not await self.wait(lambda: bool(traffic.open), 0.3):
                return

    async def world(self) -> None:
        """Make the separate world that looks into the page."""
        made = await self.call("Page.createIsolatedWorld", frameId=self.frame, worldName="vigie")
        self._world = made["executionContextId"]

    async def look(self, expression: str) -> Any:
        """The value of an expression in the separate world."""
        seconds = self._limits.step_seconds
        answer = await self.call(
            "Runtime.evaluate",
            expression=expression,
            contextId=self._world,
            returnByValue=True,
            timeout=int(seconds * 900),
        )
        if "exceptionDetails" in answer:
            raise CallFailed(str(answer["exceptionDetails"].get("text", "error"))[:200])
        return answer["result"].get("value")

    async def size(self) -> tuple[int, int]:
        """Width and height of the whole page in CSS pixels."""
        box = (await self.call("Page.getLayoutMetrics"))["cssContentSize"]
        return min(max(int(box["width"]), WIDTH), WIDEST), max(int(box["height"]), 1)

    async def scroll(self) -> int:
        """Walk down the page and back up, so that what loads when it comes into view does; the steps taken."""
        _, height = await self.size()
        steps = min(-(-min(height, self._limits.page_height) // HEIGHT), 60)
        for step in range(1, steps):
            await self.look(_SCROLL % (step * HEIGHT))
        await self.look(_SCROLL % 0)
        return max(steps, 1)

    async def text(self) -> str:
        """The text as a visitor sees it: what is hidden is not in it."""
        return str(await self.look(_TEXT % self._limits.dom_characters) or "")

    async def document(self) -> str:
        """The document as it stands now, scripts having run."""
        root = await self.call("DOM.getDocument", depth=0)
        html = await self.call("DOM.getOuterHTML", nodeId=root["root"]["nodeId"])
        return str(html["outerHTML"])[: self._limits.dom_characters]

    async def images(self) -> tuple[list[Piece], bool]:
        """The page from top to bottom as PNG strips (one, for most pages); whether that is all of it."""
        width, height = await self.size()
        shown = min(height, self._limits.page_height)
        tops = range(0, shown, self._limits.strip_height)
        pieces = []
        for number, top in enumerate(tops, 1):
            clip = {"x": 0, "y": top, "width": width, "height": min(self._limits.strip_height, shown - top), "scale": 1}
            answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            name = "page.png" if len(tops) == 1 else f"page-{number:02d}.png"
            pieces.append(Piece("image", name, "image/png", base64.b64decode(answer["data"])))
        return pieces, shown == height

    async def pdf(self, url: str, moment: str) -> Piece:
        """The page as the browser prints it (A4), its whole address and the time on each sheet."""
        style = 'style="font-size:7px;width:100%;margin:0 10mm;overflow-wrap:anywhere"'
        answer = await self.call(
            "Page.printToPDF",
            pageRanges=f"1-{self._limits.pdf_pages}",
            printBackground=True,
            displayHeaderFooter=True,
            headerTemplate=f"<div {style}>{escape(url)}</div>",
            footerTemplate=f"<div {style}>{escape(moment)} — {_SHEET}</div>",
            paperWidth=8.27,
            paperHeight=11.69,
            marginTop=0.6,
            marginBottom=0.6,
        )
        return Piece("pdf", "page.pdf", "application/pdf", base64.b64decode(answer["data"]))
