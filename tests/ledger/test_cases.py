"""Two people agree or a third settles; doubt serves the practitioner."""

import pytest

from ledger.cases import CaseStatus, case_state

C, D, Q = "confirm", "dismiss", "doubt"


@pytest.mark.parametrize(
    ("decisions", "state"),
    [
        ([], CaseStatus.OPEN),
        ([C], CaseStatus.SECOND),
        ([Q], CaseStatus.SECOND),
        ([C, C], CaseStatus.CONFIRMED),
        ([D, D], CaseStatus.DISMISSED),
        ([C, D], CaseStatus.SPLIT),
        ([C, Q], CaseStatus.SPLIT),
        ([Q, Q], CaseStatus.SPLIT),
        ([C, D, C], CaseStatus.CONFIRMED),
        ([C, Q, C], CaseStatus.CONFIRMED),
        ([C, D, D], CaseStatus.DISMISSED),
        ([C, D, Q], CaseStatus.DOUBTFUL),
        ([Q, Q, C], CaseStatus.DOUBTFUL),
        ([Q, Q, Q], CaseStatus.DOUBTFUL),
    ],
)
def test_the_rule(decisions: list[str], state: CaseStatus) -> None:
    assert case_state(decisions) is state
