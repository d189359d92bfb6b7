# SPDX-License-Identifier: GPL-2.0-only
"""Configuration of sphinx. scripts/docs runs it, and generates pages from the code."""
import os
import re

from docutils import nodes
from sphinx.util import logging

project = "bytepool"
author = "The bytepool authors"
copyright = "2026, " + author  # pylint: disable=redefined-builtin
release = os.environ.get("BYTEPOOL_VERSION", "")

extensions = ["myst_parser"]
exclude_patterns = ["output", "ABI"]
highlight_language = "none"
primary_domain = "c"
html_theme = "furo"
html_title = "bytepool " + release
html_copy_source = False
html_static_path = ["pages.css"]
html_css_files = ["pages.css"]
# In some versions, furo has dark colours for code only, when a browser asks for a dark page.
html_theme_options = {"dark_css_variables": {"color-" + name: value for name, value in {
    "problematic": "#f07070",
    "foreground-primary": "#dcdcdc",
    "foreground-secondary": "#a4a8ad",
    "foreground-muted": "#8a8f96",
    "foreground-border": "#6a6a6a",
    "background-primary": "#141517",
    "background-secondary": "#1c1e20",
    "background-hover": "#24272a",
    "background-border": "#34373a",
    "background-item": "#484848",
    "brand-primary": "#5aa2f0",
    "brand-content": "#5aa2f0",
    "highlighted-background": "#0b3a6b",
    "highlight-on-target": "#3a3a10",
    "api-keyword": "#a4a8ad",
}.items()}}

# Attributes that kernel-doc copies from prototypes, and that the C domain does not know.
c_id_attributes = ["__init", "__percpu", "__user"]
nitpick_ignore_regex = [("c:identifier", ".*")]


def link_pages(app, doctree, name):
    """
    Forges understand links to the files of pages, but not the roles of sphinx. Turn these links
    into links to the HTML, and let literals such as bytepool_free() lead to the API reference.
    """
    functions = {entry[0]: entry[3:5] for entry in app.env.get_domain("c").get_objects()}
    for link in list(doctree.findall(nodes.reference)):
        page = re.fullmatch(r"([a-z-]+)\.(?:rst|md)(#.*)?", link.get("refuri", ""))
        if page and page[1] in app.env.found_docs:
            link["refuri"] = app.builder.get_relative_uri(name, page[1]) + (page[2] or "")
        elif page:
            logging.getLogger(__name__).warning("%s: no page %s", name, page[0])
    for literal in list(doctree.findall(nodes.literal)):
        function = re.match(r"(\w+)\(", literal.astext())
        if function and function[1] in functions:
            page, anchor = functions[function[1]]
            uri = f"{app.builder.get_relative_uri(name, page)}#{anchor}"
            link = nodes.reference("", "", refuri=uri, internal=True)
            literal.replace_self(link)
            link += literal


def setup(app):
    app.connect("doctree-resolved", link_pages)
