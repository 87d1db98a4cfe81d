"""What jobs ask for: the table's costs, with a margin, more on a retry."""

import math

import pytest

from skymill.plan.costs import Cost, read_costs
from skymill.plan.requests import MEMORY_MARGIN, SNAKEMAKE, START, TIME_MARGIN, Requests
from skymill.plan.survey import Survey

SURVEY = Survey(5.0, 8.0, 2, {"1": {}}, {("1", "V"): ["a", "b", "c"]}, {}, {}, {}, 5)
STACK = Cost("stack", 1, 60.0, 4.0, 100.3, 10.0, 3.0, 1.0)
WILDCARDS = {"tile": "1", "band": "V"}


def test_a_request_is_the_table_s_cost_with_a_margin_and_grows_on_a_retry():
    asked = Requests(SURVEY, {"stack": STACK})
    memory, minutes = asked.memory("stack"), asked.minutes("stack")
    assert memory(WILDCARDS, 1) == math.ceil(SNAKEMAKE + MEMORY_MARGIN * (100.3 + 8 * 10))
    assert memory(WILDCARDS, 3) == 3 * memory(WILDCARDS, 1)
    assert minutes(WILDCARDS, 1) == START + TIME_MARGIN * (60 + 15 * 4) / 60
    assert minutes(WILDCARDS, 2) == 2 * minutes(WILDCARDS, 1)


def test_a_rule_that_was_never_measured_asks_for_much_and_says_so(capsys):
    memory = Requests(SURVEY, {}).memory("stack")
    assert memory(WILDCARDS, 1) == 12_600
    assert "what rule stack costs isn't known" in capsys.readouterr().err
    assert memory(WILDCARDS, 1) == 12_600
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("rule", ["hips", "manifest"])
def test_the_table_s_rules_ask_for_something(rule):
    survey = Survey(5.0, 8.0, 2, {"1": {}}, {}, {}, {7: ["1"]}, {3: ["1"]}, 2)
    asked = Requests(survey, read_costs())
    assert asked.memory(rule)({}, 1) > 100
    assert asked.minutes(rule)({}, 1) > START
