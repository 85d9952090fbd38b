"""Five scripted reviewers in a process of their own, as browsers are: `python -m benchmarks.desk_load ADDRESS SECONDS`.

Writes how many decisions were taken. It measures no time: the server does.
"""

from __future__ import annotations

import http.client
import re
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

PASSWORD = "quatre chevaux bleus au galop"
REVIEWERS = 5
THINK = 0.3  # seconds a scripted reviewer takes for a case: ten times faster than a person


class Client:
    """One browser: keeps its connection and its cookie, follows redirects."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self.connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = urlencode(form) if form is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("set-cookie") or ():
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        if answer.status in (302, 303):
            return self.ask("GET", answer.headers["location"])
        return text


def work(address: str, login: str, until: float, votes: list[int]) -> None:
    """One scripted reviewer: read, decide, search now and then, look at the queue."""
    client = Client(address)
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', client.ask("GET", "/connexion"))
    form = {"login": login, "password": PASSWORD, "csrf": token.group(1) if token else ""}
    client.ask("POST", "/connexion", form)
    page = client.ask("GET", "/cas/suivant")
    count = 0
    while time.monotonic() < until:
        number = re.search(r'action="/cas/(\d+)/avis"', page)
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
        if not number or not csrf:
            break
        time.sleep(THINK)
        form = {"decision": "dismiss", "reason": "legal_notice", "csrf": csrf.group(1)}
        page = client.ask("POST", f"/cas/{number.group(1)}/avis", form)
        count += "Avis enregistré" in page
        client.ask("GET", f"/cas/avance?apres={number.group(1)}")
        if count % 7 == 0:
            client.ask("GET", "/file")
            client.ask("GET", f"/recherche?q=exemple{1 + count}")
            client.ask("GET", "/recherche?q=cabinet&departement=01")
            client.ask("GET", "/nouveautes")
    votes.append(count)


def main(address: str, seconds: float) -> None:
    """Five at once for that long."""
    votes: list[int] = []
    until = time.monotonic() + seconds
    crowd = [threading.Thread(target=work, args=(address, f"r{i}", until, votes)) for i in range(REVIEWERS)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    print(sum(votes))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
