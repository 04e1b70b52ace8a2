"""The version, where finding it out costs nothing; a test holds it against every member's."""

VERSION = "0.1.0"
