"""The twenty facts of a visit, from what was seen and from what the machine says of itself. Nothing is assumed.

Whatever was not seen with this visit's own means is « not established », with the reason in French.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crawler.browser import surroundings
from crawler.browser.certificates import described
from crawler.browser.clock import ClockOffset, clock_offset
from crawler.browser.order import Order
from crawler.browser.seen import Seen
from crawler.guard import is_public
from ledger.canonical import utc_text
from ledger.clean_facts import NOT_ESTABLISHED, PROVED, Fact

METHOD = (
    "Visite unique de la page par un navigateur installé, à la manière de la norme NF Z67-147, recueil de bonnes "
    "pratiques destiné aux commissaires de justice, que ce programme suit sans pouvoir s’en réclamer. "
    "1. Le fichier robots.txt du site est lu : la page n’est demandée que s’il le permet. "
    "2. Le nom du site est résolu ; le navigateur est tenu à cette réponse. "
    "3. Un profil et un dossier temporaire sont créés, vides, pour cette visite seule ; leur vide est relu. "
    "4. Le navigateur est lancé sans extension ni serveur mandataire ; témoins, historique et cache sont relus. "
    "5. L’adresse est saisie ; aucune autre action n’est faite que de parcourir la page de haut en bas. "
    "6. Document, texte visible, image de la page entière, PDF, certificats et échanges réseau sont recueillis. "
    "7. Le navigateur est fermé, le profil détruit ; l’horloge est comparée à un serveur de temps ; chaque fichier "
    "reçoit son empreinte SHA-256."
)
NOT_STARTED = "le navigateur n’a pas été lancé"
_EXTENSIONS = ("ExtensionInstallForcelist", "ExtensionSettings")
_PROXY = ("ProxyMode", "ProxySettings", "ProxyServer", "ProxyPacUrl")


def _proved(code: str, how: str, **value: Any) -> Fact:
    return Fact(code, PROVED, how, value)


def _open(code: str, why: str, **value: Any) -> Fact:
    return Fact(code, NOT_ESTABLISHED, why, value)


def twenty(order: Order, seen: Seen, ended_at: datetime, software: str) -> tuple[Fact, ...]:
    """The twenty, in order. Asks the time servers of the order, and nobody else."""
    return (
        _proved("method", "énoncée par le programme qui l’applique", text=METHOD, software=software),
        _machine(),
        _system(),
        _browser(seen),
        _extensions(seen),
        _system_proxy(),
        _browser_proxy(seen),
        _network_path(seen),
        _public_address(order, seen),
        _dns_servers(),
        _dns_answers(seen),
        _firewall(),
        _clock(order),
        _cache(seen),
        _temporary(seen),
        _cookies_history(seen),
        _proved(
            "start", "horloge de la machine (voir N13)", at=utc_text(seen.started_at), zone=_local(seen.started_at)
        ),
        _navigation(seen),
        _captures(seen),
        _end(seen, ended_at),
    )


def _local(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="seconds")


def _machine() -> Fact:
    found = surroundings.machine()
    if found["model"]:
        return _proved("machine", "lu dans le micrologiciel, par le noyau", **found)
    return _open(
        "machine", "le micrologiciel ne dit ni le constructeur ni le modèle (machine virtuelle ou conteneur)", **found
    )


def _system() -> Fact:
    found = surroundings.system()
    if found["packages_changed_at"]:
        return _proved("system", "lu dans les fichiers du système et de son gestionnaire de paquets", **found)
    return _open("system", "la date des derniers correctifs ne peut pas être lue", **found)


def _browser(seen: Seen) -> Fact:
    if not seen.version:
        return _open("browser", NOT_STARTED)
    keys = {"product": "product", "revision": "revision", "user_agent": "userAgent", "engine": "jsVersion"}
    value = {name: seen.version.get(key, "") for name, key in keys.items()}
    return _proved("browser", "dit par le navigateur lui-même (DevTools)", **value, command_line=seen.command_line)


def _imposed(names: tuple[str, ...]) -> list[str]:
    """Policies of those names on this machine, and policy files that cannot be read."""
    found = []
    for path, policy in surroundings.policies().items():
        if not isinstance(policy, Mapping):
            found.append(f"{path} : illisible")
        else:
            found.extend(f"{path} : {name}" for name in names if policy.get(name))
    return found


def _extensions(seen: Seen) -> Fact:
    if not seen.command_line or seen.targets is None or seen.before is None:
        return _open("extensions", NOT_STARTED)
    running = [url for url in seen.targets if url.startswith("chrome-extension:")]
    imposed = _imposed(_EXTENSIONS)
    value = {"running": running, "imposed": imposed, "loaded": "--load-extension=" in seen.command_line}
    if running or imposed or value["loaded"] or "--disable-extensions" not in seen.command_line or seen.before.profile:
        return _open("extensions", "une extension est présente, imposée ou n’est pas exclue", **value)
    return _proved(
        "extensions",
        "lancé avec --disable-extensions (ligne de commande relue dans le navigateur), profil créé vide, aucune "
        "extension parmi ce qui tourne dans le navigateur ni dans les règles de la machine",
        **value,
    )


def _system_proxy() -> Fact:
    found = surroundings.system_proxies()
    if any(found.values()):
        return _open(
            "system_proxy", "le système désigne un serveur mandataire ; il n’a pas été transmis au navigateur", **found
        )
    return _proved(
        "system_proxy", "aucune variable ni réglage du système n’en désigne (environnement, /etc/environment)", **found
    )


def _browser_proxy(seen: Seen) -> Fact:
    if not seen.command_line:
        return _open("browser_proxy", NOT_STARTED)
    imposed = _imposed(_PROXY)
    used = re.findall(r"--proxy-[a-z-]+=?\S*", seen.command_line)
    known = seen.host.addresses if seen.host else ()
    value = {"imposed": imposed, "flags": used, "connected_to": seen.remote, "dns_answers": list(known)}
    if imposed or used or "--no-proxy-server" not in seen.command_line:
        return _open("browser_proxy", "un serveur mandataire est imposé ou n’est pas exclu", **value)
    if not seen.remote:
        return _open("browser_proxy", "exclu par la ligne de commande, mais aucune connexion ne le confirme", **value)
    if seen.host is not None and seen.remote not in known and len(seen.visited) <= 1:
        return _open("browser_proxy", "la machine qui a répondu n’est pas une de celles que désigne le DNS", **value)
    return _proved(
        "browser_proxy",
        "lancé avec --no-proxy-server (ligne de commande relue dans le navigateur) ; la page vient de l’adresse du "
        "site lui-même",
        **value,
    )


def _network_path(seen: Seen) -> Fact:
    found = surroundings.network()
    value = {**found, "source_address": seen.host.source if seen.host else "", "provider": None}
    if found["interfaces"] and value["source_address"]:
        how = "tables du noyau et adresse locale employée vers le site ; le fournisseur d’accès n’est pas connu"
        return _proved("network_path", how, **value)
    return _open("network_path", "le chemin vers le site ne peut pas être lu dans les tables du noyau", **value)


def _public_address(order: Order, seen: Seen) -> Fact:
    if seen.public_address is not None:
        address, service = seen.public_address
        return _proved("public_address", f"vue par {service}", address=address)
    source = seen.host.source if seen.host else ""
    if source and is_public(source):
        return _proved("public_address", "la machine porte elle-même une adresse publique", address=source)
    if not order.address_service:
        return _open(
            "public_address", "aucun service n’est configuré pour la dire (VIGIE_ADDRESS_SERVICE)", local=source
        )
    return _open("public_address", f"{order.address_service} n’a pas donné d’adresse", local=source)


def read_address(text: str) -> str:
    """The IP address that is all there is in a service's answer; empty when it is something else."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return ""


def _dns_servers() -> Fact:
    servers = surroundings.name_servers()
    if servers:
        return _proved("dns_servers", "lu dans /etc/resolv.conf", servers=servers)
    return _open("dns_servers", "le système n’en désigne aucun de façon lisible", servers=[])


def _dns_answers(seen: Seen) -> Fact:
    if seen.host is None:
        return _open("dns_answers", "le nom du site n’a pas reçu de réponse")
    value = {
        "host": seen.host.host,
        "addresses": list(seen.host.addresses),
        "asked_at": utc_text(seen.host.asked_at),
        "connected_to": seen.remote,
    }
    if seen.host.literal:
        return _proved("dns_answers", "l’adresse demandée est une adresse IP : aucune question n’a été posée", **value)
    how = "réponse du résolveur du système, imposée au navigateur ; durée de vie et signature (DNSSEC) non lues"
    return _proved("dns_answers", how, **value)


def _firewall() -> Fact:
    found = surroundings.firewall()
    if found["rules"] is None:
        return _open("firewall", f"les règles ne peuvent pas être lues ({found['why']})")
    return _proved("firewall", f"règles lues par « {found['tool']} »", **found)


def _clock(order: Order) -> Fact:
    offset = clock_offset(order.ntp_servers)
    if not isinstance(offset, ClockOffset):
        return _open("clock", offset)
    value = {"offset_us": offset.offset, "error_us": offset.error, "server": offset.server, "stratum": offset.stratum}
    return _proved("clock", f"échange SNTP avec {offset.server}, non authentifié", **value)


def _cache(seen: Seen) -> Fact:
    if seen.before is None or seen.cache_entries is None:
        return _open("cache", NOT_STARTED)
    value = {"entries_before": seen.cache_entries, "answers_from_disk": seen.from_cache}
    if seen.before.profile or seen.cache_entries or seen.from_cache:
        return _open("cache", "le cache n’était pas vide", **value)
    return _proved("cache", "profil créé vide ; cache relu avant la page ; aucune réponse tirée du disque", **value)


def _temporary(seen: Seen) -> Fact:
    if seen.before is None:
        return _open("temporary_files", NOT_STARTED)
    value = {"entries_before": list(seen.before.temporary)}
    if seen.before.temporary:
        return _open("temporary_files", "le dossier temporaire n’était pas vide", **value)
    return _proved(
        "temporary_files", "dossier temporaire propre à la visite, créé vide et relu avant le lancement", **value
    )


def _cookies_history(seen: Seen) -> Fact:
    if seen.before is None or seen.cookies is None:
        return _open("cookies_history", NOT_STARTED)
    value = {"cookies_before": seen.cookies, "history_before": seen.history}
    if seen.before.profile or seen.cookies or seen.history:
        return _open("cookies_history", "des témoins ou un historique existaient avant la page", **value)
    if seen.history is None:
        return _open("cookies_history", "l’historique du profil n’a pas pu être relu", **value)
    how = "profil créé vide ; témoins et historique relus dans le navigateur lancé, avant la page"
    return _proved("cookies_history", how, **value)


def _navigation(seen: Seen) -> Fact:
    value = {
        "typed": seen.typed,
        "requests": seen.visited,
        "final_url": seen.final_url,
        "scroll_steps": seen.scrolled,
        "clicks": 0,
        "dialogs_dismissed": seen.dialogs,
        "windows_closed": seen.popups,
        "refused": seen.refused[:50],
        "certificates": described(seen.chain),
        "tls": seen.security,
    }
    if not seen.visited or not seen.final_url:
        return _open("navigation", "la page n’a pas été atteinte", **value)
    how = "adresse saisie, redirections et adresse finale d’après les événements réseau du navigateur ; aucun clic"
    return _proved("navigation", how, **value)


def _captures(seen: Seen) -> Fact:
    files = [piece.told() for piece in seen.pieces]
    if not any(piece.kind == "image" for piece in seen.pieces):
        return _open("captures", "aucune image de la page n’a été réalisée", files=files)
    return _proved("captures", "empreintes SHA-256 calculées à la réalisation de chaque fichier", files=files)


def _end(seen: Seen, ended_at: datetime) -> Fact:
    value = {"at": utc_text(ended_at), "zone": _local(ended_at), "profile_removed": seen.profile_removed}
    if seen.profile_removed is False:
        return _open("end", "le profil n’a pas pu être effacé entièrement", **value)
    return _proved("end", "horloge de la machine (voir N13) ; profil effacé", **value)
