"""Charts: functions from data to an Altair chart."""
