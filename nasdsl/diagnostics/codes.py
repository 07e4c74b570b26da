"""Every diagnostic code with its title. Hundreds: the kind of rule (1 text, 2 names, 3 types, 4 decisions, 5 grids and
routes, 6 tasks, requirements and presets, 7 limits).
"""

from __future__ import annotations

TITLES: dict[str, str] = {
    "E0101": "unexpected text",
    "E0102": "the file ends too early",
    "E0103": "a reserved word used as a name",
    "E0104": "not a text file",
    "E0105": "a file without a space",
    "E0201": "unknown name",
    "E0202": "a name defined twice",
    "E0203": "unknown element",
    "E0204": "wrong arguments",
    "E0205": "unknown attribute",
    "E0206": "a statement in the wrong place",
    "E0207": "a call that needs a label",
    "E0301": "an operation's rule is broken",
    "E0302": "not a number",
    "E0303": "not a feature map",
    "E0304": "not an operation",
    "E0305": "not a sequence",
    "E0306": "not an integer",
    "E0307": "a condition that depends on a decision",
    "E0308": "alternatives of different types",
    "E0401": "an impossible domain",
    "E0402": "too many members picked",
    "E0403": "a tied decision with different domains",
    "E0404": "an alternative declared twice",
    "E0501": "an unreachable cell",
    "E0502": "no such grid",
    "E0503": "links that go round in a circle",
    "E0504": "a route declared too late",
    "E0601": "a space without a task",
    "E0602": "a clause of a task is wrong",
    "E0603": "a requirement that is not one",
    "E0604": "a preset that fits nothing",
    "E0605": "unknown preset",
    "E0606": "wrong parameter",
    "E0607": "unknown unit",
    "E0701": "a limit of the compiler is reached",
}
