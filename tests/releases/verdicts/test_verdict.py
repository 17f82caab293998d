# SPDX-License-Identifier: MIT
import json
import math

from flyball.releases.verdicts.verdict import Decision, Finding, Moment, Verdict

FINDING = Finding(
    metric="late",
    unit="h",
    worse=0.1,
    least=-math.inf,
    most=math.nan,
    log_e_harm=0.0,
    log_e_safe=1.0,
    plain=3.0,
    twin_share=0.5,
)


def test_a_verdict_is_plain_data_that_json_can_hold():
    verdict = Verdict(
        decision=Decision.ROLL_BACK,
        reason="Roll back: a hard guard tripped.",
        findings=(FINDING,),
        path=(Moment(1.0, 0.1, 0.2, math.inf),),
    )

    plain = json.loads(json.dumps(verdict.as_json(), allow_nan=False))

    assert plain["decision"] == "roll back"
    assert plain["findings"][0]["least"] is None
    assert plain["findings"][0]["most"] is None
    assert plain["findings"][0]["worse"] == 0.1
    assert plain["path"] == [[1.0, 0.1, 0.2, None]]
