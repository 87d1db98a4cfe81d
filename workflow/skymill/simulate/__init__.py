"""The simulate room: a survey with known truth."""
