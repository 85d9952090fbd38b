"""Turn the configuration into what bundles are closed with: certificate, authorities, PDF signature. Signs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ledger.bundle import Means, SignedPdf, Signer, Stamp, Stamping, Trust, load_signer, sign_pdf
from ledger.sealing.tokens import Authority, StampFault, Transport, accept, ask_for
from monitor.authorities import authorities_of, over_http
from monitor.settings import BadSettings, Settings

REASON = "Établissement du dossier"


def means_of(settings: Settings, transport: Transport | None = None) -> Means:
    """What the configuration allows. Raises `BadSettings`, `BadCertificates` or `BadCertificate`, one line each."""
    authorities = authorities_of(settings)
    ask = transport or over_http(settings.stamp_seconds)
    secret = settings.certificate_password
    signer = None
    if settings.certificate is not None:
        signer = load_signer(settings.certificate, secret.get_secret_value() if secret else None)
    elif settings.sign_pdf:
        raise BadSettings("sign_pdf: there is no certificate to sign with")
    stamping = _stamping(authorities, ask) if authorities else None
    pdf = _pdf(signer, authorities, ask, _trust(settings, authorities)) if signer and settings.sign_pdf else None
    return Means(settings.organisation, signer, stamping, pdf)


def _stamp(authority: Authority, ask: Transport, data: bytes) -> bytes:
    """One accepted answer. Raises `StampFault`."""
    asked = ask_for(data)
    return accept(ask(authority, asked.der), asked, authority, datetime.now(UTC)).der


def _stamping(authorities: Sequence[Authority], ask: Transport) -> Stamping:
    def stamp(data: bytes) -> list[Stamp]:
        answers = []
        for authority in authorities:
            try:
                token = _stamp(authority, ask, data)
            except StampFault as fault:
                answers.append(Stamp(authority.name, None, reason=f"{fault.fault} : {fault}"))
            else:
                answers.append(Stamp(authority.name, token, authority.certificates.encode()))
        return answers

    return stamp


def _pdf(
    signer: Signer, authorities: Sequence[Authority], ask: Transport, trust: Trust | None
) -> Callable[[bytes], SignedPdf]:
    def raw(request: bytes) -> bytes:
        """The first authority that answers; pyHanko judges the answer. Raises the last `StampFault`."""
        for authority in authorities[:-1]:
            try:
                return ask(authority, request)
            except StampFault:
                continue
        return ask(authorities[-1], request)

    return lambda data: sign_pdf(data, signer, reason=REASON, ask=raw if authorities else None, trust=trust)


def _trust(settings: Settings, authorities: Sequence[Authority]) -> Trust | None:
    """Roots and revocation lists, when there are lists. Raises `BadSettings`."""
    if not settings.revocation_lists:
        return None
    if settings.signature_roots is None:
        raise BadSettings("revocation_lists: signature_roots must name the root of the certificate")
    roots = _read(settings.signature_roots) + b"".join(one.certificates.encode() for one in authorities)
    return Trust(roots, tuple(_read(path) for path in settings.revocation_lists))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadSettings(f"{path}: {error.strerror}") from error
