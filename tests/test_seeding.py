"""Random numbers depend on identifiers alone."""

from skymill.seeding import generator


def test_same_identifiers_same_numbers_and_no_confusion_between_them():
    a = generator("noise", 1, "ab").random(4)
    assert (a == generator("noise", 1, "ab").random(4)).all()
    assert (a != generator("noise", 1, "a", "b").random(4)).any()
    assert (a != generator("noise", 11, "b").random(4)).any()


def test_the_numbers_are_pinned():
    assert generator("noise", 1).integers(0, 1000, 3).tolist() == [995, 306, 17]
