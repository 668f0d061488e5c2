"""Tell the story of the system that a dev.json describes."""

import json
import sys
from pathlib import Path

from gateway.local.story.chapters import tell

tell(json.loads(Path(sys.argv[1]).read_text()))
