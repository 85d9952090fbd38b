"""Put the desk together: routes, static files, security headers, error pages. It holds no page of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from ledger import Ledger
from reference.errors import VigieError
from review import account, bench, door, exhibits, identities, oversight, staff, work
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
    for room in (door, account, staff, bench, identities, work, oversight, exhibits):
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.middleware("http")(_guard)
    app.add_exception_handler(SignInNeeded, _to_sign_in)
    app.add_exception_handler(FactorNeeded, _to_code)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(VigieError, _unavailable)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _crashed)
    return app


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Turn away forms from other sites and oversized bodies; put the security headers on every answer."""
    if request.method == "POST":
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return _covered(PlainTextResponse("Formulaire trop grand.", 413))
        if request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return _covered(PlainTextResponse("Formulaire envoyé par un autre site.", 403))
    response = _covered(await call_next(request))
    if request.url.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    if request.url.path.startswith("/static/") and response.status_code in (200, 304):
        response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _covered(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


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
    return _covered(_message(request, 500, "Erreur interne", "Une erreur s’est produite. Rien n’a été enregistré."))


def _message(request: Request, status: int, title: str, message: str, person: Person | None = None) -> HTMLResponse:
    desk: Desk = request.app.state.desk
    return desk.page(request, "message.html", person=person, status=status, title=title, message=message)
