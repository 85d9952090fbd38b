"""Run every named check over a dossier before it leaves. It writes nothing and lets nothing pass in silence."""

from __future__ import annotations

from reports import assess, checks, checks_files
from reports.package import Finding, Package

NAMES: tuple[str, ...] = (*assess.CHECKS, *checks.CHECKS, *checks_files.CHECKS)


def lint(package: Package) -> tuple[Finding, ...]:
    """What the checks find, those of the case and its evidence first, each with the name of its check."""
    gaps = [Finding(gap.check, gap.text, gap.final) for gap in package.contents.assembly.gaps]
    told = [Finding(name, text, name in checks.FINAL) for name, one in checks.CHECKS.items() for text in one(package)]
    files = [Finding(name, text, final=True) for name, one in checks_files.CHECKS.items() for text in one(package)]
    return (*gaps, *told, *files)
