"""The names are Django's."""

MONTH_DAY_FORMAT = "d.m."
DATE_FORMAT = SHORT_DATE_FORMAT = "d.m.Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "d.m.Y, H:i:s"
"""How times are written for people: DIN 5008's order of day, month and year, to the second as in the logs."""
