"""Settings of the documentation: Sphinx with MyST's Markdown and the theme furo, as `make docs` builds it."""

import os
import sys
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"  # so that compiled functions have their docstrings
sys.path.insert(0, str(Path(__file__).parents[1]))

from pydantic import BaseModel
from pygments.lexers.special import TextLexer

import tessera_env

project = "tessera_env"
author = "tessera_env contributors"
copyright = f"{author}, Apache-2.0"
version = release = tessera_env.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
default_role = "code"  # docstrings mark names as Markdown does
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


def with_rubrics(app, what, name, obj, options, lines) -> None:
    """Headings within a docstring, which are Markdown's as in Gymnasium's own environments, as Sphinx takes them."""
    for place, line in enumerate(lines):
        if line.startswith("## "):
            lines[place] = f".. rubric:: {line[3:]}"


def without_noise(app, what, name, obj, options, signature, returns):
    """No list of arguments where it says nothing: scenarios take their fields by name, protocols none."""
    is_model = what == "class" and issubclass(obj, BaseModel)
    if is_model or (what == "class" and getattr(obj, "_is_protocol", False)):
        return ("(**values)" if is_model else ""), None
    return None


def setup(app) -> None:
    """Sphinx calls this."""
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-docstring", with_rubrics)
    app.connect("autodoc-process-signature", without_noise)
