"""Prints which module imports which, as JSON, of the packages that it is given; they lie in the working folder."""

import json
import sys

import grimp

sys.path.insert(0, "")  # before anything else that is installed: another checkout may be
graph = grimp.build_graph(*sys.argv[1:], cache_dir=None)
json.dump({name: sorted(graph.find_modules_directly_imported_by(name)) for name in sorted(graph.modules)}, sys.stdout)
