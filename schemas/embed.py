#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Turns a .varlink file into a C string constant of the same name."""

import pathlib
import re
import sys

source, target = map(pathlib.Path, sys.argv[1:])
symbol = "varlink_description_" + re.sub(r"\W", "_", source.stem.removeprefix("io.").lower())
lines = [line.replace("\\", r"\\").replace('"', r"\"").replace("\t", r"\t")
         for line in source.read_text().splitlines()]
target.write_text('#include "schemas/schemas.h"\n\n'
                  f"const char {symbol}[] =\n" + "\n".join(f'        "{line}\\n"' for line in lines) + ";\n")
