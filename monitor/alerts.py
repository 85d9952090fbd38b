"""Tell people what the watchmen found, by e-mail and by webhook. A failure to tell is told, never raised."""

from __future__ import annotations

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

from monitor.settings import AlertSettings
from reference.errors import VigieError

SECONDS = 20  # that a mail server or a webhook may take
Tell = Callable[[AlertSettings, str, str, Sequence[str]], None]


class MailFailed(VigieError):
    """The mail server did not take an e-mail."""


def alert(settings: AlertSettings, platform: str, run: str, alarms: Sequence[str]) -> list[str]:
    """Send the alarms of one run everywhere they should go; the reasons why a way failed, empty when all worked."""
    failed: list[str] = []
    if not alarms:
        return failed
    ways: list[tuple[str, Tell]] = []
    if settings.mail_to:
        ways.append((f"mail over {settings.smtp_host}", _mail))
    if settings.webhook:
        ways.append((f"webhook {settings.webhook.split('?')[0]}", _post))
    for name, way in ways:
        try:
            way(settings, platform, run, alarms)
        except (OSError, smtplib.SMTPException, urllib.error.URLError, ValueError) as error:
            failed.append(f"{name}: {' '.join(str(error).split())[:200]}")
    return failed


def message(settings: AlertSettings, platform: str, run: str, alarms: Sequence[str]) -> EmailMessage:
    """The e-mail about one run."""
    mail = EmailMessage()
    mail["Subject"] = f"Vigie: {len(alarms)} alarm{'s' * (len(alarms) > 1)} on {platform} (run {run})"
    mail["From"], mail["To"] = settings.mail_from, ", ".join(settings.mail_to)
    lines = [f"Run {run} of {platform}:", "", *(f"- {one}" for one in alarms)]
    mail.set_content("\n".join([*lines, "", f"vigie runs --show {run}", ""]))
    return mail


def _mail(settings: AlertSettings, platform: str, run: str, alarms: Sequence[str]) -> None:
    _send(settings, message(settings, platform, run, alarms))


def deliver(settings: AlertSettings, mail: EmailMessage) -> None:
    """Send one e-mail over the configured server. Raises `MailFailed`, one line."""
    try:
        _send(settings, mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise MailFailed(f"mail over {settings.smtp_host}: {reason}") from error


def _send(settings: AlertSettings, mail: EmailMessage) -> None:
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if settings.smtp_security == "tls":
        server = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SECONDS)
    with server:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(mail)


def _post(settings: AlertSettings, platform: str, run: str, alarms: Sequence[str]) -> None:
    body: dict[str, Any] = {"platform": platform, "run": run, "alarms": list(alarms)}
    request = urllib.request.Request(
        settings.webhook, json.dumps(body).encode(), {"Content-Type": "application/json", "User-Agent": "Vigie"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        answer.read(1000)
