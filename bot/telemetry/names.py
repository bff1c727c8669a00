"""The name by which prometheus_client finds the folder of all processes' figures.

It must be in the environment before that library is imported, so it stands apart from what imports it.
"""

from __future__ import annotations

from typing import Final

FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
