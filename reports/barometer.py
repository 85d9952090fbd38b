"""Write the survey out: a PDF without a name (« baromètre »), CSV and Parquet. It counts nothing itself."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb

from ledger.bundle import told
from ledger.models import Json
from reference import Reference
from reports import moments, words
from reports.intervals import Share
from reports.pdf import typeset
from reports.survey import CONFIRMED, FLAGGED, SMALLEST, Group, Measure, Survey
from reports.typography import NBSP, typo

COLUMNS = (
    ("dimension", "VARCHAR"),
    ("code", "VARCHAR"),
    ("label", "VARCHAR"),
    ("withheld", "BOOLEAN"),
    ("listings", "INTEGER"),
    ("stance", "VARCHAR"),
    ("count", "INTEGER"),
    ("share", "DOUBLE"),
    ("low", "DOUBLE"),
    ("high", "DOUBLE"),
    ("corrected", "DOUBLE"),
    ("corrected_low", "DOUBLE"),
    ("corrected_high", "DOUBLE"),
)
PDF, CSV, PARQUET = "barometre.pdf", "barometre.csv", "barometre.parquet"
STANCES = {FLAGGED: "Refus, restriction ou dissuasion", CONFIRMED: "Confirmé par deux relecteurs"}
MOST_BARS = 24
Row = tuple[Any, ...]


@dataclass(frozen=True)
class WrittenBarometer:
    """Where the three files lie."""

    pdf_path: Path
    csv_path: Path
    parquet_path: Path


def write_barometer(survey: Survey, reference: Reference, out: Path, now: datetime | None = None) -> WrittenBarometer:
    """Write the files into `out`, over earlier ones of the same names. Raises `CannotWrite`, `StoreFull`."""
    at = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    held = list(rows(survey))
    pdf = typeset(model(survey, reference, at), b"", at, template="barometer.typ")
    paths = WrittenBarometer(out / PDF, out / CSV, out / PARQUET)
    with told(out):
        out.mkdir(parents=True, exist_ok=True)
        paths.pdf_path.write_bytes(pdf)
        paths.csv_path.write_bytes(as_csv(held))
        paths.parquet_path.write_bytes(as_parquet(held))
    return paths


def rows(survey: Survey) -> Iterator[Row]:
    """One row for each stance of each group; one without figures for a group that is withheld."""
    for group in survey.groups:
        base = (group.dimension, group.code, group.label, group.withheld)
        if group.withheld:
            yield (*base, *([None] * (len(COLUMNS) - len(base))))
        for one in group.measures:
            fixed = one.corrected
            yield (
                *base,
                group.listings,
                one.stance,
                one.count,
                *(round(value, 6) for value in (one.share.value, one.share.low, one.share.high)),
                *((round(fixed.value, 6), round(fixed.low, 6), round(fixed.high, 6)) if fixed else (None, None, None)),
            )


def as_csv(held: list[Row]) -> bytes:
    """UTF-8, commas, a heading line, CRLF (RFC 4180); an empty field is « not told »."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([name for name, _ in COLUMNS])
    writer.writerows([["" if value is None else value for value in row] for row in held])
    return text.getvalue().encode()


def as_parquet(held: list[Row]) -> bytes:
    """The same rows as a Parquet file. No extension of DuckDB is fetched: Parquet is built in."""
    with tempfile.TemporaryDirectory(prefix="vigie-parquet-") as folder, duckdb.connect() as base:
        base.execute("SET autoinstall_known_extensions = false")
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS)
        base.execute(f"CREATE TABLE b ({columns})")
        if held:
            base.executemany(f"INSERT INTO b VALUES ({', '.join('?' * len(COLUMNS))})", held)
        path = Path(folder) / "b.parquet"
        base.table("b").write_parquet(str(path))
        return path.read_bytes()


def tiles() -> dict[str, tuple[int, int]]:
    """The column and the row of each department on the map of tiles, from 0."""
    listing = resources.files("reports").joinpath("data/tiles.txt").read_text(encoding="utf-8")
    lines = [line for line in listing.splitlines() if line and not line.startswith("#")]
    return {
        code: (column, row)
        for row, line in enumerate(lines)
        for column, code in enumerate(line.split())
        if code != ".."
    }


def model(survey: Survey, reference: Reference, at: datetime) -> Json:
    """What the template prints."""
    whole = next(iter(survey.of("all")), None)
    period = ""
    if survey.first and survey.last:
        first, last = (moments.day(moments.paris(one).date()) for one in (survey.first, survey.last))
        period = f"du {first} au {last}" if first != last else f"le {first}"
    return {
        "date": moments.day(moments.paris(at).date()),
        "period": period,
        "smallest": str(SMALLEST),
        "whole": _whole(whole, reference) if whole else None,
        "charts": [
            _chart("Par aide", "Parmi les fiches qui nomment cette aide.", survey.of("benefit"), FLAGGED),
            _chart("Par profession", "", survey.of("profession"), FLAGGED),
            _chart("Par plateforme", "", survey.of("platform"), FLAGGED),
            _chart("Mois par mois", "Fiches vues dans le mois.", survey.of("month"), FLAGGED, ordered=True),
        ],
        "map": _map(survey, reference),
        "changes": [[one.month, str(one.seen), str(one.came), str(one.gone)] for one in survey.changes],
        "cases": _outcomes(survey, reference),
        "error": _error(survey),
        "reader": survey.reader,
    }


def percent(value: float) -> str:
    """« 0,4 % », « 12,5 % »."""
    return f"{value * 100:.1f}{NBSP}%".replace(".", ",")


def _between(share: Share) -> str:
    return f"{percent(share.value)} [{percent(share.low)} ; {percent(share.high)}]"


def _measure(group: Group, stance: str) -> Measure:
    return next(one for one in group.measures if one.stance == stance)


def _whole(group: Group, reference: Reference) -> Json:
    """The table of all listings; withheld when there are too few."""
    if group.withheld:
        return {"withheld": True, "listings": "", "rows": []}
    names = STANCES | {code: stance.label for code, stance in reference.stances.items()}
    held = [
        [names[one.stance], str(one.count), _between(one.share), _between(one.corrected) if one.corrected else "—"]
        for one in group.measures
    ]
    return {"withheld": False, "listings": f"{group.listings:,}".replace(",", "\u202f"), "rows": held}


def _chart(title: str, note: str, groups: tuple[Group, ...], stance: str, *, ordered: bool = False) -> Json:
    """Bars with their intervals; the largest groups when there are many. `top` is the share at the end of the scale."""
    told_groups = [group for group in groups if not group.withheld]
    if not ordered:
        told_groups.sort(key=lambda group: (-group.listings, group.code))
    shown = told_groups[-MOST_BARS:] if ordered else told_groups[:MOST_BARS]
    top = max((_measure(group, stance).share.high for group in shown), default=0.0) or 1.0
    bars = []
    for group in shown:
        one = _measure(group, stance)
        bars.append(
            {
                "label": typo(group.label),
                "value": round(one.share.value / top, 4),
                "low": round(one.share.low / top, 4),
                "high": round(one.share.high / top, 4),
                "said": f"{_between(one.share)}, {words.plural(group.listings, 'fiche', 'fiches')}",
            }
        )
    withheld = sum(group.withheld for group in groups)
    left = len(told_groups) - len(shown)
    alt = " ; ".join(f"{bar['label']} : {bar['said']}" for bar in bars) or "aucun groupe assez grand"
    return {
        "title": title,
        "note": note,
        "bars": bars,
        "top": percent(top),
        "alt": f"{title}. {alt}.",
        "left": _left(withheld, left),
    }


def _left(withheld: int, left: int) -> str:
    said = []
    if withheld:
        said.append(f"{words.plural(withheld, 'groupe non montré', 'groupes non montrés')}, trop petit pour l’être")
    if left:
        said.append(
            f"{words.plural(left, 'autre groupe figure', 'autres groupes figurent')} dans le fichier de données"
        )
    return words.sentence(" ; ".join(said)) if said else ""


def _map(survey: Survey, reference: Reference) -> Json:
    """A tile a department, darker where the share is greater; hatched where it is not told."""
    known = {group.code: group for group in survey.of("department")}
    told_groups = [group for group in known.values() if not group.withheld and group.code in reference.departments]
    top = max((_measure(group, FLAGGED).share.value for group in told_groups), default=0.0) or 1.0
    held, said = [], []
    for code, (column, row) in tiles().items():
        group = known.get(code)
        told_one = group is not None and not group.withheld
        value = _measure(group, FLAGGED).share.value / top if group is not None and told_one else -1.0
        held.append({"code": code, "x": column, "y": row, "value": round(value, 4)})
        if group is not None and told_one:
            said.append(f"{group.label} {percent(_measure(group, FLAGGED).share.value)}")
    return {
        "tiles": held,
        "top": percent(top),
        "told": bool(said),
        "alt": "Carte de France en tuiles, une par département. "
        + (" ; ".join(said) or "Aucun département montré")
        + ".",
    }


def _outcomes(survey: Survey, reference: Reference) -> list[list[str]]:
    """What became of the cases, as rows."""
    states = [[f"Cas : {label}", str(survey.cases.get(str(code), 0))] for code, label in words.STATUS.items()]
    states.append(["Dossiers complets", str(survey.dossiers.get("complete", 0))])
    labels = {code: typo(route.label) for code, route in reference.routes.items()} | {
        "": "Courrier, voie non consignée"
    }
    routes = [[labels[code], str(count)] for code, count in survey.sendings.items()]
    steps = [[typo(reference.steps[code].label), str(count)] for code, count in survey.steps.items() if code != "sent"]
    return [*states, *routes, *steps]


def _error(survey: Survey) -> Json:
    error = survey.error
    return {
        "sensitivity": percent(error.sensitivity),
        "specificity": percent(error.specificity),
        "source": error.source,
    }
