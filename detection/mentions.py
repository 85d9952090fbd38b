"""Find where a text names a benefit, false friends apart; it must not say what the text does to its holders."""

from collections.abc import Sequence

from detection.lexicon import Lexicon
from detection.normalise import Folded
from detection.spelling import spelled_names
from detection.tokens import WORD, Token

_NEAR = frozenset({
    "HOLD", "RECV", "RECVP", "REFU", "REFUP", "EXC", "COLON", "BEN", "PROOF", "TPN", "COSTN", "PAS", "LINK",
    "SLASH", "NON", "OUI", "PEC", "ET", "OU", "NI", "TICK", "CROSS",
})  # fmt: skip
#: Beside these even a capital AME is not the benefit.
_PERSONAL = frozenset({"assistant", "assistante", "aide", "etat", "etats"})
#: Beside these words the acronym is another one.
_COMPANY = {
    "css": frozenset({"html", "javascript", "php", "js", "article", "art", "web"}),
    "acs": frozenset(
        {"coronarien", "coronary", "acute coronary syndrome", "syndrome coronarien aigu", "surgeons", "infarctus"}
    ),
}
_FOLLOWERS = frozenset(
    {"patients", "patient", "holders", "beneficiaries", "pacientes", "pazienti", "patienten", "people"}
)
_COORDINATORS = frozenset({"COMMA", "ET", "OU", "SLASH", "NI", "ITEM"})
_BEFORE = frozenset({"HOLD", "LINK", "DET", "PEC"})


def merge(tokens: Sequence[Token], start: int, end: int, tag: str, text: str | None = None) -> Token:
    """One token for ``tokens[start:end]``."""
    benefits = tuple(dict.fromkeys(code for token in tokens[start:end] for code in token.benefits))
    word = " ".join(token.text for token in tokens[start:end]) if text is None else text
    return Token(word, tag, tokens[start].start, max(token.end for token in tokens[start:end]), benefits)


def name_benefits(folded: Folded, tokens: list[Token], lexicon: Lexicon) -> list[Token]:
    """The tokens with every name of a benefit merged to a BEN token, and every false friend to a plain word."""
    shaped = {
        match.start(): (match.end(), lexicon.shape_codes[match.lastgroup or ""])
        for match in lexicon.shapes.finditer(folded.text)
        if _is_acronym(folded, match.start(), match.end(), match.group())
    }
    spelled: dict[int, tuple[int, str]] = {}
    for first, count, code in spelled_names(tokens):
        if first not in spelled or count > spelled[first][0]:
            spelled[first] = (count, code)
    found: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        friend = lexicon.friends.at(tokens, place)
        if friend is not None and not _shouted(folded, tokens[place : place + friend[0]]):
            found.append(merge(tokens, place, place + friend[0], WORD))
            place += friend[0]
            if [token.tag for token in tokens[place : place + 3 : 2]] == ["OPEN", "CLOSE"]:
                place += 3
            continue
        named = lexicon.names.at(tokens, place)
        shape = shaped.get(token.start)
        length = 0
        if shape is not None:
            length = sum(1 for other in tokens[place : place + 8] if other.end <= shape[0])
        if named is not None and named[0] >= length and not _is_soul(folded, token):
            shape, length = (0, named[1]), named[0]
        misspelt = spelled.get(place)
        if misspelt is not None and misspelt[0] > length:
            shape, length = (0, misspelt[1]), misspelt[0]
        if shape is None or not length:
            found.append(token)
            place += 1
            continue
        mention = merge(tokens, place, place + length, "BEN")
        mention.benefits = (shape[1],)
        found.append(mention)
        place += length
    return found


def _shouted(folded: Folded, phrase: Sequence[Token]) -> bool:
    """« de l'AME » in capitals among small letters is the benefit, whatever the soul's usual company."""
    souls = [_original(folded, token) for token in phrase if token.text == "ame"]
    others = "".join(_original(folded, token) for token in phrase if token.text != "ame")
    return (
        bool(souls)
        and all(soul == "AME" for soul in souls)
        and not others.isupper()
        and phrase[0].text not in _PERSONAL
    )


def _is_soul(folded: Folded, token: Token) -> bool:
    return token.text == "ame" and "â" in folded.original[slice(*folded.span(token.start, token.end))].lower()


def _is_acronym(folded: Folded, start: int, end: int, text: str) -> bool:
    """Whether a run of letters is written as the acronym: the soul has an accent, spaced letters are capitals."""
    original = folded.original[slice(*folded.span(start, end))]
    if text == "ame" and ("â" in original.lower() or "a\u0302" in original.lower()):
        return False
    letters = [character for character in text if character.isalnum()]
    if len(text) == len(letters):
        return True
    gaps = len(text) - len(letters)
    if gaps < len(letters) - 1 and letters[0] == "a":
        return False
    return "." in text or "2" in text or all(not character.islower() for character in original)


def doubtful(tokens: Sequence[Token], place: int, folded: Folded) -> bool:
    """Whether an acronym keeps other company; a lower-case « ame » is the benefit only beside words of admission."""
    token = tokens[place]
    if token.text in _COMPANY:
        around = tokens[max(0, place - 3) : place + 4]
        return (tokens[place - 1].tag == "NUM" and place > 0) or any(t.text in _COMPANY[token.text] for t in around)
    written = _original(folded, token)
    if token.text != "ame" or (written.isupper() and "Â" not in written) or "." in written:
        return False
    if place and tokens[place - 1].text in {"dr", "docteur", "madame", "monsieur", "mme", "m"}:
        return True
    near = [*tokens[max(0, place - 3) : place], *tokens[place + 1 : place + 4]]
    return not any(other.tag in _NEAR for other in near)


def _original(folded: Folded, token: Token) -> str:
    return folded.original[slice(*folded.span(token.start, token.end))]


def tag_words(tokens: list[Token], lexicon: Lexicon) -> list[Token]:
    """Give every run of plain words the tag of the longest phrase of the lexicon that starts there."""
    tagged: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.tag not in {WORD, "NUM"} or (hit := lexicon.tags.at(tokens, place)) is None:
            tagged.append(token)
            place += 1
            continue
        tagged.append(merge(tokens, place, place + hit[0], hit[1]))
        place += hit[0]
    return tagged


def chunk(tokens: list[Token]) -> list[Token]:
    """Merge each benefit with the words that make it a group of people, and enumerated benefits with each other."""
    chunks: list[Token] = []
    for token in tokens:
        if token.tag != "BEN":
            chunks.append(token)
            continue
        first = len(chunks)
        while first and chunks[first - 1].tag in _BEFORE:
            first -= 1
        if first < len(chunks) and chunks[first].tag == "DET" and all(t.tag == "DET" for t in chunks[first:]):
            pass
        merged = merge([*chunks[first:], token], 0, len(chunks) - first + 1, "BEN", "ben")
        del chunks[first:]
        back = len(chunks)
        while back and chunks[back - 1].tag in _COORDINATORS and len(chunks) - back < 2:
            back -= 1
        if back and back < len(chunks) and chunks[back - 1].tag == "BEN":
            merged = merge([*chunks[back - 1 :], merged], 0, len(chunks) - back + 2, "BEN", "ben")
            del chunks[back - 1 :]
        chunks.append(merged)
    return chunks


def take_followers(tokens: list[Token]) -> list[Token]:
    """« CMU patients », « CMU (patients) » in other languages: people named right behind the benefit belong to it."""
    kept: list[Token] = []
    for token in tokens:
        if kept and kept[-1].tag == "BEN" and token.text in _FOLLOWERS:
            kept[-1].end = token.end
        else:
            kept.append(token)
    return kept
