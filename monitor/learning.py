"""`vigie train` and `vigie evaluate`: make the second reader from the corpus, and measure what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger import Ledger
from monitor import console
from monitor.settings import load_settings
from reference.errors import VigieError

ROOT = Path(__file__).parent.parent


class CannotTrain(VigieError):
    """What training needs is not installed."""


def train(
    seeds: Annotated[str, typer.Option(help="Comma-separated seeds: one network each.")] = "1,2",
    epochs: Annotated[int, typer.Option(min=1, help="Times every passage is seen.")] = 8,
    processes: Annotated[int, typer.Option(min=1, help="Networks trained at once; changes the time alone.")] = 2,
    leave_out: Annotated[
        str,
        typer.Option(help="FOLD/FOLDS: train without that share of the functions, and measure what becomes of them."),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the model; the project's own when absent.")
    ] = None,
    with_verdicts: Annotated[
        bool, typer.Option("--with-verdicts", help="Also learn from the cases that people confirmed or dismissed.")
    ] = False,
    third: Annotated[
        bool,
        typer.Option("--third", help="Also adapt the third reader: about an hour on two cores, 3 GB of libraries."),
    ] = False,
    home: Annotated[Path | None, typer.Option("--home", help="The ledger of those cases (VIGIE_HOME).")] = None,
) -> None:
    """Train the second reader from the corpus: the same corpus and seeds give the same bytes."""
    try:
        from detection.training.build import build
        from detection.training.fit import Plan
    except ImportError as error:
        raise CannotTrain(f"training needs the group « train » (uv sync --group train): {error}") from error
    from detection.learned.second import MODEL
    from detection.training.leaving import leave_out as measure_left_out
    from detection.training.leaving import save
    from monitor.teaching import taught

    if leave_out:
        fold, folds = _numbers(leave_out.replace("/", ","))
        recall = measure_left_out(fold, folds, Plan(epochs=epochs))
        save(recall, out or MODEL)
        console.table("Recall without the function", [(name, f"{value:.3f}") for name, value in recall.items()])
        return
    settings = load_settings(home=home)
    extra = tuple(taught(Ledger.open(settings.home, settings.database_url, create=False))) if with_verdicts else ()
    if third:
        from detection.training.third import ThirdPlan, build_adapter

        build_adapter(ThirdPlan(), console.err.print, extra=extra)
    numbers = _numbers(seeds)
    trained = build(
        numbers, Plan(epochs=epochs), folder=out or MODEL, processes=processes, extra=extra, say=console.err.print
    )
    console.out.print(f"{trained.version}: temperature {trained.temperature}, flagged from {trained.flag_from}")


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(seed) for seed in seeds.split(",")]
    except ValueError as error:
        raise VigieError(f"--seeds wants whole numbers parted by commas, not « {seeds} »") from error


def evaluate(
    card: Annotated[bool, typer.Option("--card", help="Also write docs/model-card.md and its plot.")] = False,
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Keep these readings as what the next version is held to.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="A seventh of the harmless and perturbed passages; the card says how many.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the reader on the corpus: levels met and missed, passages gained and lost since the readings last kept.

    Exit status 1 when a level is missed, or a passage lost that a stable rule had right."""
    from detection import frozen, load_reader
    from detection.card import card as write_card
    from detection.card import curve_svg, measure

    reader = load_reader()
    with console.progress("evaluate", json) as advance:
        measured = measure(tell=lambda _name, done, total: advance(done, total), share=1 / 7 if quick else 1.0)
    levels = measured.levels()
    kept = frozen.keep(reader, frozen.frozen_passages())
    change = frozen.compare(frozen.load() if frozen.FROZEN.exists() else {}, kept)
    if freeze:
        frozen.save(kept)
    if card:
        (ROOT / "docs" / "model-card.md").write_text(write_card(measured), "utf-8")
        (ROOT / "docs" / "images" / "calibration.svg").write_text(curve_svg(measured.test), "utf-8")
    if json:
        figures = {level.name: level.value for level in levels}
        console.say_json({"version": measured.version, **figures, "gained": change.gained, "lost": change.lost})
    else:
        console.table(
            f"Reader {measured.version}, test split",
            [(one.name, f"{one.value:.3f}  {'met' if one.met else 'MISSED'} ({one.wanted:g})") for one in levels],
        )
        console.table(
            "Since the readings last kept",
            [("gained", _some(change.gained)), ("lost", _some(change.lost)), ("of stable rules", _some(change.broken))],
        )
    if change.broken or not all(level.met for level in levels):
        raise SystemExit(1)


def _some(ids: tuple[str, ...]) -> str:
    return f"{len(ids)}: {', '.join(ids[:12])}{' …' if len(ids) > 12 else ''}" if ids else "0"
