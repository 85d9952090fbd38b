"""Join a question to its answer, so that what is asked is never taken for what is said; it must not judge stances."""

from collections.abc import Sequence

from detection.tokens import Token

_ASKED = frozenset({
    "RECV", "RECVP", "REFU", "REFUP", "TP", "NOTP", "COSTN", "DEPN", "DELAY", "BOOK", "NOBOOK", "XDOCS", "ONLY",
    "PHONE", "ADVISE", "HOSP", "KNOWN", "QUOTA", "NOPLACE", "REFERRAL", "PRAC", "NPRAC", "RESERVED", "TIME", "EXC",
})  # fmt: skip
_DENIED = {
    "RECV": "REFU", "RECVP": "REFUP", "REFU": "RECV", "REFUP": "RECVP", "TP": "NOTP", "NOTP": "TP", "DELAY": "SAME",
    "COSTN": "TP", "DEPN": "TP", "BOOK": "NOBOOK", "NOBOOK": "BOOK", "REFUN": "RECV", "PRAC": "NPRAC",
    "NPRAC": "PRAC",
}  # fmt: skip
_PREDICATES = frozenset(
    {"RECV", "RECVP", "REFU", "REFUP", "REFUN", "TP", "NOTP", "COSTN", "DEPN", "BOOK", "NOBOOK", "DELAY", "XDOCS"}
)
_WHICH = frozenset({"qui", "quels", "quelles", "lesquels", "lesquelles"})
_MUST = frozenset({"faut", "dois", "doit", "devons"})
_POLITE = frozenset({"NL", "ADV", "DASH", "COLON", "COMMA", "PRON", "DET"})
_YES, _NO = frozenset({"OUI", "TICK"}), frozenset({"NON", "CROSS", "JAMAIS"})


def answer_questions(tokens: list[Token]) -> list[Token]:
    """The tokens with every question asserted (yes), denied (no) or silenced (no plain answer)."""
    joined: list[Token] = []
    start = 0
    for place, token in enumerate(tokens):
        joined.append(token)
        if token.tag in {"DOT", "NL"}:
            start = len(joined)
        elif token.tag == "QM":
            answer = _answer(tokens, place + 1)
            joined[start:] = _settle(joined[start:], answer)
            start = len(joined)
    return [token for token in joined if token.tag != "-"]


def _answer(tokens: Sequence[Token], place: int) -> Token | None:
    for token in tokens[place : place + 4]:
        if token.tag in _YES or token.tag in _NO:
            return token
        if token.tag not in _POLITE:
            return None
    return None


def _enumerates(question: Sequence[Token]) -> bool:
    """« Qui ne recevez-vous pas ? » is answered by naming: the answer completes the sentence."""
    return question[0].text in _WHICH and all(token.tag != "BEN" for token in question)


def _settle(question: list[Token], answer: Token | None) -> list[Token]:
    if answer is None and _enumerates(question):
        question[-1].tag = "COLON"
        return question
    if answer is None:
        for token in question:
            if token.tag in _ASKED:
                token.tag = "ASKED"
        return question
    denied = answer.tag in _NO
    asserted = any(token.tag in _PREDICATES for token in question)
    for token in question:
        if denied and token.tag in _DENIED:
            token.tag = _DENIED[token.tag]
        elif denied and token.tag in _ASKED:
            token.tag = "ASKED"
        elif token.tag == "QM":
            token.tag = "COLON"
    if asserted:
        answer.tag = "ANSWER"
    elif any(token.tag == "ASKED" or token.text in _MUST for token in question):
        answer.tag = "SAME"
    else:
        answer.tag = "ANO" if denied else "AYES"
    return question
