"""Public holidays of a country or a part of it, worked out in a process of its own.

The library that knows them takes 12 MB of memory, which a worker would keep for as long as it lives.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final

from ivr.errors import ConfigError

YEARS_AT_ONCE: Final = 5
LIMIT_S: Final = 30.0
_UNKNOWN: Final = 3
"""Exit status of the helper process for a region without a list."""


def holiday_name(region: str, day: date) -> str:
    """Name of the public holiday on a day in "DE" or "DE-BE", or an empty text. Raises ConfigError."""
    return _holidays_of(region, day.year // YEARS_AT_ONCE).get(day, "")


@lru_cache(maxsize=64)
def _holidays_of(region: str, block: int) -> Mapping[date, str]:
    """The holidays of five years. Takes half a second, once."""
    command = [sys.executable, "-m", __name__, region, str(block * YEARS_AT_ONCE)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"the holidays of '{region}' could not be worked out: {error}") from error
    if done.returncode == _UNKNOWN:
        message = f"no holidays are known for '{region}' ({done.stderr.strip()}); correct calendars: holidays"
        raise ConfigError(message)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it crashed"]
        raise ConfigError(f"the holidays of '{region}' could not be worked out: {last[0]}")
    return {date.fromisoformat(day): name for day, name in json.loads(done.stdout).items()}


def _work_out(region: str, first_year: int) -> int:
    import holidays

    country, _, part = region.partition("-")
    years = range(first_year, first_year + YEARS_AT_ONCE)
    try:
        found = holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError as error:
        sys.stderr.write(str(error))
        return _UNKNOWN
    sys.stdout.write(json.dumps({day.isoformat(): name for day, name in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(_work_out(sys.argv[1], int(sys.argv[2])))
