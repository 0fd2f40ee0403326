"""Published: what is known of a public data set, and how its files are named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class Published:
    """A public data set.

    name       as its authors call it
    licence    as read at `terms`; None: not known here, read it there before use
    terms      where the licence or the terms of use are stated
    source     where the data comes from
    citation   what to cite
    file       matches the path of one image under the data set's folder ("/" between parts); groups: subject, kind,
               and, where the name says so, session and site
    kinds      group "kind", in lower case → contrast
    sites      group "site" → a name for it; a site not listed keeps its own
    mark       what only this data set's paths have, for a folder is recognised by it
    belongs    what the paths of all its images have, those not taken too
    kinship    what is known of who is related to whom; "": nothing
    checksums  what is published, in words
    archives   name of a download → MD5 of it
    """

    name: str
    licence: str | None
    terms: str
    source: str
    citation: str
    file: re.Pattern[str]
    kinds: Mapping[str, str]
    sites: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    mark: re.Pattern[str] = re.compile("")
    belongs: re.Pattern[str] = re.compile("")
    kinship: str = ""
    checksums: str = "none for single files"
    archives: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
