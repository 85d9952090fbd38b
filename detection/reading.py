"""What a text says about protected benefits, as a value; it must hold nothing that cannot be shown to a reviewer."""

from dataclasses import dataclass

#: Stances by rising severity.
STANCES = ("none", "neutral", "acceptance", "deterrence", "restriction", "refusal")
SEVERITY = {stance: place for place, stance in enumerate(STANCES)}
FLAGGED = frozenset({"refusal", "restriction", "deterrence"})
BENEFITS = ("C2S", "ACS", "AME", "generic")


@dataclass(frozen=True, slots=True)
class Reading:
    """One passage as read by one version: ``text[start:end] == trigger``; reasons are French sentences.

    ``confidence`` is the chance that the flag, or its absence, is right; ``abstained`` says that it is too small to
    stand without a person's reading."""

    stance: str
    flagged: bool
    benefits: tuple[str, ...]
    trigger: str
    start: int
    end: int
    confidence: float
    reasons: tuple[str, ...]
    context: tuple[str, ...]
    version: str
    abstained: bool = False
