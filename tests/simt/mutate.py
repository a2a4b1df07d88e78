#!/usr/bin/env python3
"""Puts each bug of tests/simt/mutations.txt into a copy of its file, builds the checked tests with it
and requires that they fail.

usage: mutate.py BUILD_FOLDER [--few] [--only WORD]    (from the repository's root)
"""
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path.cwd()
TABLE = ROOT / "tests/simt/mutations.txt"


def rows():
    """The table as dicts: program, test, file, few, what, old, new."""
    row = None
    for line in TABLE.read_text().splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in "-+":
            key = "old" if line[0] == "-" else "new"
            row[key].append(line[2:])
            continue
        if row:
            yield row
        program, test, file, what = line.split(maxsplit=3)
        row = {"program": f"simt_{program}_checked", "test": test, "file": file,
               "few": what.startswith("* "), "what": what.removeprefix("* "), "old": [], "new": []}
    yield row


def mutated(row):
    """The file's text with the bug; an error where the table no longer fits the file."""
    text = (ROOT / row["file"]).read_text()
    old = "\n".join(row["old"])
    if text.count(old) != 1:
        sys.exit(f"mutate: {row['file']}: {text.count(old)} times instead of once: {old!r}; "
                 "mend tests/simt/mutations.txt")
    return text.replace(old, "\n".join(row["new"]))


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def build(row, build_folder, folder):
    """The test program with the bug in it: objects that read the file are compiled again."""
    copy = folder / row["file"]
    copy.parent.mkdir(parents=True)
    copy.write_text(mutated(row))
    program = f"tests/simt/{row['program']}"
    link = run(["ninja", "-t", "commands", "-s", program], cwd=build_folder).stdout
    objects = json.loads((build_folder / "compile_commands.json").read_text())
    for entry in objects:
        words = shlex.split(entry["command"])
        name = words[words.index("-o") + 1]
        if f"{row['program']}.dir" not in name:
            continue
        if row["file"] not in run(["ninja", "-t", "deps", name], cwd=build_folder).stdout:
            continue
        if words[-1] == str(ROOT / row["file"]):
            words[-1] = str(copy)
        new = str(folder / pathlib.Path(name).name)
        words[words.index("-o") + 1] = new
        words.insert(words.index("-c"), f"-I{folder}")
        first = next(i for i, word in enumerate(words) if word.startswith("-I"))
        words.insert(first, f"-I{folder}")
        compiled = run(words, cwd=build_folder)
        if compiled.returncode:
            sys.exit(f"mutate: {row['what']}: does not compile\n{compiled.stderr}")
        link = link.replace(name, new)
    binary = folder / "program"
    linked = run(link.replace(f"-o {program}", f"-o {binary}"), cwd=build_folder, shell=True)
    if linked.returncode:
        sys.exit(f"mutate: {row['what']}: does not link\n{linked.stderr}")
    return binary


def verdict(row, binary):
    """What the tests say of the bug; None where they pass."""
    try:
        result = run([binary, f"*{row['test']}*"], timeout=300)
    except subprocess.TimeoutExpired:
        return "never ends"
    if result.returncode == 0:
        return None
    report = [line.strip() for line in result.stdout.splitlines() if "simt: " in line]
    return report[0] if report else "wrong numbers"


def main():
    few = "--few" in sys.argv
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    build_folder = (ROOT / sys.argv[1]).resolve()
    table = [r for r in rows() if (r["few"] or not few) and only in r["program"] + r["file"] + r["what"]]
    # The few are run beside these programs themselves (CMakeLists.txt), which takes minutes.
    sound = [] if few else sorted({(r["program"], r["test"]) for r in table})
    for program, test in sound:
        said = verdict({"test": test}, build_folder / "tests/simt" / program)
        if said is not None:
            sys.exit(f"mutate: {program} *{test}* fails without any bug: {said}")
    missed = 0
    for row in table:
        with tempfile.TemporaryDirectory() as folder:
            said = verdict(row, build(row, build_folder, pathlib.Path(folder)))
        missed += said is None
        print(f"{row['file']}: {row['what']}: {(said or 'NOT NOTICED')[:110]}", flush=True)
    print(f"mutate: {len(table) - missed} of {len(table)} bugs noticed")
    return missed != 0 or not table


if __name__ == "__main__":
    sys.exit(main())
