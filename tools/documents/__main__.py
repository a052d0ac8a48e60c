"""Generate the parts of documents that come from the code: `make documents`."""

import sys

from tap_toggl_hire.errors import TapError
from tools.documents.generated import FILES

try:
    texts = {path: text() for path, text in FILES.items()}
except TapError as error:  # of the check-up
    sys.exit(
        f"Nothing was written, since the check-up of the sandbox failed: {error}\n"
        "Does sandbox/ serve every resource that the tap reads?"
    )
for path, text in texts.items():
    path.write_text(text, "utf-8")
