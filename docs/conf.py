"""Settings of the documentation: Sphinx with MyST's Markdown and the theme furo, as `make docs` builds it."""

import os
import sys
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"  # so that compiled functions have their docstrings
sys.path.insert(0, str(Path(__file__).parents[1]))

import tessera_env

project = "tessera_env"
author = "tessera_env contributors"
copyright = f"{author}, Apache-2.0"
version = release = tessera_env.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
exclude_patterns = ["_build"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autoclass_content = "class"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"tessera_env {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
