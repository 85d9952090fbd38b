"""Put the desk together: routes, static files, security headers, error pages. It holds no page of its own."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger import Ledger
from reference.errors import VigieError
from review import account, bench, door, exhibits, identities, oversight, pictures, staff, work
from review.candidates import Lookup
from review.desk import HERE, Desk, FactorNeeded, Person, Refused, SignInNeeded, authorise

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "object-src 'none'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
LARGEST_BODY = 128 * 1024  # bytes of a form
_OWN_SITES = ("same-origin", "none")


def create_app(
    ledger: Ledger,
    *,
    secret: bytes,
    demo_notice: str = "",
    second_factor: bool = True,
    lookup: Lookup | None = None,
) -> FastAPI:
    """The reviewers' desk over one ledger. `secret` (32 bytes or more) signs forms and locks the second factors.

    `demo_notice` is shown at the top of every page, so that a practice desk is never taken for the real one; a practice
    desk may do without the second factor. `lookup` finds in the register who a listing may be about; without it no
    identity can be confirmed.
    """
    app = FastAPI(title="Vigie", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(authorise)])
    app.state.desk = Desk(ledger, secret, demo_notice, second_factor, lookup)
    for room in (door, account, staff, bench, identities, work, oversight, exhibits, pictures):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_middleware(Guard)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(FactorNeeded, _to_code)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(VigieError, _unavailable)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _crashed)
    return app


class Guard:
    """Turns away forms from other sites and oversized bodies; puts the security headers on every answer.

    Plain ASGI: the wrapper that Starlette offers runs each request in a task of its own, which costs a millisecond.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, secure = scope["path"], scope["scheme"] == "https"

        async def covered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
                if path.startswith("/static/") and message["status"] in (200, 304):
                    headers["Cache-Control"] = "public, max-age=3600"
            await send(message)

        refusal = _turned_away(Headers(scope=scope)) if scope["method"] == "POST" else None
        await (refusal or self.app)(scope, receive, covered)


def _turned_away(headers: Headers) -> Response | None:
    length = headers.get("content-length", "")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        return PlainTextResponse("Formulaire trop grand.", 413)
    if headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        return PlainTextResponse("Formulaire envoyé par un autre site.", 403)
    return None


async def _to_sign_in(_request: Request, error: Exception) -> Response:
    reason = error.reason if isinstance(error, SignInNeeded) else ""
    return RedirectResponse(f"/connexion?raison={reason}" if reason else "/connexion", 303)


async def _to_code(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/code", 303)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return _message(request, error.status, error.title, error.message, error.person)


async def _unavailable(request: Request, _error: Exception) -> Response:
    return _message(request, 503, "Service momentanément indisponible", "Rien n’a été enregistré. Réessayez.")


async def _malformed(request: Request, _error: Exception) -> Response:
    return _message(request, 400, "Demande incomprise", "L’adresse ou le formulaire contient une valeur impossible.")


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return _message(request, 404, "Page introuvable", "Cette adresse ne mène nulle part.")
    return _message(request, error.status_code, "Demande refusée", "Le bureau ne répond pas à cette demande.")


async def _crashed(request: Request, _error: Exception) -> Response:
    # The traceback goes to the server's log; the page says nothing of the inside.
    # It is answered outside of `Guard`, so its headers are put on here.
    page = _message(request, 500, "Erreur interne", "Une erreur s’est produite. Rien n’a été enregistré.")
    for name, value in HEADERS.items():
        page.headers.setdefault(name, value)
    return page


def _message(request: Request, status: int, title: str, message: str, person: Person | None = None) -> HTMLResponse:
    desk: Desk = request.app.state.desk
    return desk.page(request, "message.html", person=person, status=status, title=title, message=message)
