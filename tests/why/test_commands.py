"""The command says what is wrong with a target."""

from skymill.__main__ import main


def test_an_identifier_that_is_no_number(capsys):
    assert main(["why", "idual_master:abc"]) == 1
    assert "idual_master:abc: expected a number after ':', got 'abc'" in capsys.readouterr().err
