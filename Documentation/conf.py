# SPDX-License-Identifier: GPL-2.0-only
"""Configuration of sphinx. scripts/docs runs it, and generates pages from the code."""
import os

project = "bytepool"
author = "The bytepool authors"
copyright = "2026, " + author  # pylint: disable=redefined-builtin
release = os.environ.get("BYTEPOOL_VERSION", "")

extensions = ["myst_parser", "sphinx.ext.graphviz"]
exclude_patterns = ["output", "ABI"]
graphviz_output_format = "svg"
highlight_language = "none"
primary_domain = "c"
html_theme = "furo"
html_title = "bytepool " + release
html_copy_source = False

# Attributes that kernel-doc copies from prototypes, and that the C domain does not know.
c_id_attributes = ["__init", "__percpu", "__user"]
nitpick_ignore_regex = [("c:identifier", ".*")]
