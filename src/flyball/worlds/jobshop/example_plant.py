# SPDX-License-Identifier: MIT
"""The plant of the shipped workbook: machines, shifts, set-ups and families."""

from datetime import date, datetime, timedelta

Rows = list[list[object]]
"""The rows of a sheet without its header, in the order of the form's columns."""

START = datetime(2026, 3, 2, 6, 0)  # noqa: DTZ001  the plant's wall clock has no zone

PLANT: Rows = [
    ["name", "Hallbrück Metallbau"],
    ["start", START],
    ["country", "DE"],
    ["subdivision", "BY"],
    ["horizon_days", 240],
]

GROUPS: Rows = [
    ["Saw", "no", "cut-off saws"],
    ["Laser", "no", "flat-bed lasers"],
    ["Bend", "no", "press brakes"],
    ["Turn", "yes", "lathes"],
    ["Mill", "yes", "machining centres"],
    ["Weld", "no", "welding booths and robots"],
    ["Coat", "no", "powder coating lines"],
    ["Finish", "yes", "deburring and inspection benches"],
]

_MACHINES = """
    Saw 1    Saw     one-shift    1.0   steel bar
    Saw 2    Saw     two-shift    1.0   steel bar
    Saw 3    Saw     two-shift    0.8   stainless bar
    Laser 1  Laser   two-shift    1.0   steel 3 mm
    Laser 2  Laser   three-shift  1.0   steel 8 mm
    Laser 3  Laser   three-shift  1.25  stainless 2 mm
    Bend 1   Bend    one-shift    0.9   V12
    Bend 2   Bend    two-shift    1.0   V12
    Bend 3   Bend    two-shift    1.0   V24
    Bend 4   Bend    two-shift    1.2   V40
    Turn 1   Turn    one-shift    0.9   chuck 160
    Turn 2   Turn    two-shift    1.0   chuck 160
    Turn 3   Turn    two-shift    1.0   chuck 315
    Turn 4   Turn    three-shift  1.3   bar feed
    Mill 1   Mill    one-shift    0.8   vice
    Mill 2   Mill    two-shift    1.0   vice
    Mill 3   Mill    two-shift    1.0   plate
    Mill 4   Mill    three-shift  1.1   pallet
    Mill 5   Mill    three-shift  1.2   five axes
    Weld 1   Weld    one-shift    1.0   MAG steel
    Weld 2   Weld    one-shift    1.0   MAG steel
    Weld 3   Weld    two-shift    1.0   TIG stainless
    Weld 4   Weld    two-shift    0.9   TIG aluminium
    Weld 5   Weld    three-shift  1.5   MAG steel
    Coat 1   Coat    two-shift    1.0   RAL 7016 grey
    Coat 2   Coat    two-shift    1.1   RAL 9005 black
    Bench 1  Finish  one-shift    1.0
    Bench 2  Finish  one-shift    1.0
    Bench 3  Finish  two-shift    1.0
    Bench 4  Finish  two-shift    1.1
"""

SHIFTS: Rows = [
    ["one-shift", "Mon-Fri", "06:00", "14:30", "work"],
    ["one-shift", "Mon-Fri", "09:00", "09:15", "break"],
    ["one-shift", "Mon-Fri", "12:00", "12:30", "break"],
    ["two-shift", "Mon-Fri", "06:00", "14:00", "work"],
    ["two-shift", "Mon-Fri", "14:00", "22:00", "work"],
    ["two-shift", "Mon-Fri", "10:00", "10:30", "break"],
    ["two-shift", "Mon-Fri", "18:00", "18:30", "break"],
    ["two-shift", "Sat", "06:00", "12:00", "overtime"],
    ["three-shift", "Mon-Fri", "06:00", "14:00", "work"],
    ["three-shift", "Mon-Fri", "14:00", "22:00", "work"],
    ["three-shift", "Mon-Fri", "22:00", "06:00", "work"],
    ["three-shift", "Mon-Fri", "10:00", "10:30", "break"],
    ["three-shift", "Mon-Fri", "18:00", "18:30", "break"],
    ["three-shift", "Tue-Sat", "02:00", "02:30", "break"],
]

HOLIDAYS: Rows = [
    ["all", date(2026, 4, 2), "works outing"],
    ["all", date(2026, 5, 15), "bridge day, plant closed"],
    *[["all", date(2026, 8, 3) + timedelta(days=i), "summer closing"] for i in range(12)],
    ["one-shift", date(2026, 3, 13), "staff training"],
]

MAINTENANCE: Rows = [
    ["Laser 2", datetime(2026, 3, 4, 6), datetime(2026, 3, 4, 14), "optics"],  # noqa: DTZ001
    ["Mill 4", datetime(2026, 3, 6, 6), datetime(2026, 3, 6, 12), "spindle"],  # noqa: DTZ001
    ["Coat 1", datetime(2026, 3, 10, 14), datetime(2026, 3, 10, 22), "filters"],  # noqa: DTZ001
    ["Weld 5", datetime(2026, 3, 12, 6), datetime(2026, 3, 12, 10), "robot axes"],  # noqa: DTZ001
    ["Turn 4", datetime(2026, 3, 17, 6), datetime(2026, 3, 18, 6), "overhaul"],  # noqa: DTZ001
]

FAMILIES = {
    "Saw": ("steel bar", "stainless bar", "aluminium bar"),
    "Laser": ("steel 3 mm", "steel 8 mm", "stainless 2 mm", "aluminium 4 mm"),
    "Bend": ("V12", "V24", "V40", "radius"),
    "Turn": ("chuck 160", "chuck 315", "bar feed"),
    "Mill": ("vice", "plate", "pallet", "five axes"),
    "Weld": ("MAG steel", "TIG stainless", "TIG aluminium"),
    # From light to dark: cleaning a line for a lighter colour takes longer.
    "Coat": (
        "RAL 9016 white", "RAL 1023 yellow", "RAL 3020 red", "RAL 5010 blue",
        "RAL 7016 grey", "RAL 9005 black",
    ),
}  # fmt: skip

_SETUP_MIN = {"Saw": 12, "Laser": 20, "Bend": 35, "Turn": 60, "Mill": 70, "Weld": 30}


def machines() -> Rows:
    """Return the rows of the sheet Machines."""
    rows: Rows = []
    for line in _MACHINES.strip().splitlines():
        words = line.split()
        family = " ".join(words[5:]) or None
        rows.append([f"{words[0]} {words[1]}", words[2], words[3], float(words[4]), family])
    return rows


def setups() -> Rows:
    """Return the rows of the sheet Setups: exact ones for colours, wider ones for the rest."""
    rows: Rows = []
    for group, minutes in _SETUP_MIN.items():
        names = FAMILIES[group]
        rows.append([group, "*", "*", minutes])
        rows += [[group, "-", name, minutes + 5] for name in names[:1]]
        rows += [
            [group, before, after, minutes + 8 * abs(i - j)]
            for i, before in enumerate(names)
            for j, after in enumerate(names)
            if abs(i - j) > 1
        ]
    colours = FAMILIES["Coat"]
    rows.append(["Coat", "-", "*", 30])
    rows += [
        ["Coat", before, after, 20 + 5 * (j - i) if j > i else 40 + 14 * (i - j)]
        for i, before in enumerate(colours)
        for j, after in enumerate(colours)
        if i != j
    ]
    return rows
