"""A profile -> profile-<board>.json of the work directory, which report and compare read."""

import json
import re
from pathlib import Path

from asd_edge.clip.atomic_write import write_text_atomically
from asd_edge.profiling.profile_record import Profile, profile_content


def write_profile(profile: Profile, work: Path) -> Path:
    """Where it was written. Raises WorkDirectoryError where that can't be."""
    path = work / f"profile-{re.sub(r'[^A-Za-z0-9._-]', '_', profile.board)}.json"
    write_text_atomically(path, json.dumps(profile_content(profile), indent=1, allow_nan=False) + "\n")
    return path
