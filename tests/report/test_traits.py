"""What stands out in a segment is told in the order in which names and contrasts rank it."""

from gpuseg.report.traits import traits_known


def test_effects_of_several_kinds_are_ranked_in_units_of_a_medium_one():
    about = {"kind": "number", "n": [50, 50], "missing": [0, 0], "mark": ["large", "large"], "median": [9.0, 1.0]}
    about |= {"mean": [9.0, 1.0], "all": {"mean": 5.0, "median": 5.0}}
    spend = {**about, "name": "spend", "effect_name": "Cliff's delta", "effect": [0.8, -0.8]}  # 2.4 medium ones
    member = {**about, "kind": "boolean", "name": "member", "effect_name": "Cohen's h", "effect": [1.0, -1.0]}  # 2.0
    told = traits_known({"segments": [0, 1], "sizes": [50, 50], "features": [member, spend]}, 0)
    assert [one["feature"] for one in told] == ["spend", "member"]
